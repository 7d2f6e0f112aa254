// A vCenter for tests: govmomi's simulator with TLS on a free loopback port, and three hosts in one cluster. The uplinks of its
// distributed switch are tagged as in a real vCenter, which the simulator leaves out. It prints its
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
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
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
	tagUplinks()
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

func tagUplinks() {
	for _, each := range simulator.Map.All("DistributedVirtualPortgroup") {
		group := each.(*simulator.DistributedVirtualPortgroup)
		if strings.Contains(group.Name, "-DVUplinks") {
			group.Tag = []types.Tag{{Key: "SYSTEM/DVS.UPLINKPG"}}
		}
	}
}
