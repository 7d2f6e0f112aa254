# shellcheck shell=sh
# Functions of the identity program, for templates with the nodes' addresses: $ADDRESS is the node's own, $PEERS are those
# of the others. No program is started: that takes 40 ms of an emulated node's boot.

# The template $1 with the node's own address for @ADDRESS@, and lines with @PEER@ once for every other node.
filled() {
    while IFS= read -r line; do
        case $line in
            *@PEER@*) for peer in $PEERS; do replaced "$line" @PEER@ "$peer"; done ;;
            *) replaced "$line" @ADDRESS@ "$ADDRESS" ;;
        esac
    done <"$1"
}

# The line $1 with $3 for $2, wherever it stands.
replaced() {
    text=$1
    while case $text in *"$2"*) ;; *) false ;; esac; do
        text=${text%%"$2"*}$3${text#*"$2"}
    done
    printf '%s\n' "$text"
}
