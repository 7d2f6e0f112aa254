"""Running nodes, wherever they run: reaching them over SSH, reading their state, pushing services, upgrading them."""
