package main

import (
	"bytes"
	"log"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

// The simulator clones a machine without the vApp properties of the request; keepProperties adds them to the clone.
func keepProperties(body []byte) {
	var request struct {
		Clone *types.CloneVM_Task `xml:"Body>CloneVM_Task"`
	}
	decoder := xml.NewDecoder(bytes.NewReader(body))
	decoder.TypeFunc = types.TypeFunc()
	if err := decoder.Decode(&request); err != nil {
		log.Fatal(err)
	}
	clone := request.Clone
	if clone == nil || clone.Spec.Config == nil || clone.Spec.Config.VAppConfig == nil {
		return
	}
	spec := clone.Spec.Config.VAppConfig.GetVmConfigSpec()
	info := &types.VmConfigInfo{OvfEnvironmentTransport: spec.OvfEnvironmentTransport}
	for _, change := range spec.Property {
		info.Property = append(info.Property, *change.Info)
	}
	for wait := 0; wait < 500; wait++ {
		for _, each := range simulator.Map.All("VirtualMachine") {
			if vm := each.(*simulator.VirtualMachine); vm.Name == clone.Name && vm.Config != nil {
				vm.Config.VAppConfig = info
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}
