package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	envelope = `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soapenv:Body>%s</soapenv:Body></soapenv:Envelope>`
	refusal = `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>Permission to perform this operation was denied.</faultstring>
<detail><NoPermissionFault xmlns="urn:vim25" xsi:type="NoPermission"><object type="Folder">group-v1</object><privilegeId>%s</privilegeId></NoPermissionFault></detail></soapenv:Fault>`
	response = `<%[1]sResponse xmlns="urn:vim25"><returnval type="Task">%[2]s</returnval></%[1]sResponse>`
	someBytes = 64 << 10
)

var called = regexp.MustCompile(`Body[^>]*>\s*<([A-Za-z_]+)`)

// faults wraps the handler of the simulator and makes one armed request fail, once: the API method of that name, or a write
// to a datastore ("folder") or to an import ("nfc"). The kinds are "deny", "full", and "cut", which closes the connection.
type faults struct {
	sound http.Handler
	mutex sync.Mutex
	armed map[string][]string
}

func (f *faults) arm(line string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	words := strings.Fields(line)
	f.armed = map[string][]string{words[0]: words[1:]}
}

func (f *faults) take(name string) []string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	words := f.armed[name]
	delete(f.armed, name)
	return words
}

func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	place := strings.Split(r.URL.Path, "/")[1]
	if place == "sdk" {
		f.serveMethod(w, r)
		return
	}
	if r.Method == http.MethodHead || r.Method == http.MethodGet {
		f.sound.ServeHTTP(w, r)
		return
	}
	words := f.take(place)
	if words == nil {
		f.sound.ServeHTTP(w, r)
		return
	}
	switch words[0] {
	case "deny":
		_, _ = io.Copy(io.Discard, r.Body)
		http.Error(w, "forbidden", http.StatusForbidden)
	case "full":
		_, _ = io.Copy(io.Discard, r.Body)
		http.Error(w, "no space", http.StatusInsufficientStorage)
	case "cut":
		_, _ = io.CopyN(io.Discard, r.Body, someBytes)
		cut(w)
	}
}

func (f *faults) serveMethod(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	found := called.FindSubmatch(body)
	var words []string
	if found != nil {
		words = f.take(string(found[1]))
	}
	if words == nil {
		f.sound.ServeHTTP(w, r)
		if found != nil && string(found[1]) == "CloneVM_Task" {
			keepProperties(body)
		}
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	switch words[0] {
	case "deny":
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, envelope, fmt.Sprintf(refusal, words[1]))
	case "full":
		fmt.Fprintf(w, envelope, fmt.Sprintf(response, found[1], failedTask(string(found[1]))))
	case "cut":
		cut(w)
	}
}

// failedTask returns a task that fails as vCenter's own do when the datastore is full.
func failedTask(name string) string {
	on := types.ManagedObjectReference{Type: "Folder", Value: "group-v1"}
	full := func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		return nil, &types.NoDiskSpace{Datastore: "LocalDS_0"}
	}
	return simulator.CreateTask(on, name, full).Run().Value
}

func cut(w http.ResponseWriter) {
	if connection, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = connection.Close()
	}
}
