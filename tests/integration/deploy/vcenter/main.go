// A vCenter for tests: govmomi's simulator with TLS on a free loopback port, and three hosts in one cluster. It prints its
// address and exits when its stdin is closed. A line on stdin, "METHOD KIND [PRIVILEGE]", makes the next call of that method
// fail (faults.go).
package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"log"
	"net/url"
	"os"

	"github.com/vmware/govmomi/simulator"
)

func main() {
	model := simulator.VPX()
	model.Host = 0
	model.ClusterHost = 3
	model.Machine = 0
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	defer model.Remove()
	model.Service.TLS = new(tls.Config)
	model.Service.Listen = &url.URL{Host: "127.0.0.1:0", User: url.UserPassword("deployer", os.Getenv("VCENTER_PASSWORD"))}
	server := model.Service.NewServer()
	defer server.Close()
	faulty := &faults{sound: server.Config.Handler}
	server.Config.Handler = faulty
	fmt.Println(server.URL.Host)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		faulty.arm(lines.Text())
		fmt.Println("armed")
	}
}
