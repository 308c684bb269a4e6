// Istiod's own code without a Kubernetes API, which the program istiod cannot do without.
//
//	istio ADDRESS FILE...
//
// It serves what istiod makes of the manifests in the files at ADDRESS, as Envoy's aggregated
// discovery service. At SIGHUP it reads the files again and applies what has changed.
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/test"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: istio ADDRESS FILE...")
		os.Exit(2)
	}
	address, files := os.Args[1], os.Args[2:]
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	err := test.Wrap(func(t test.Failer) {
		applied := read(t, files)
		istiod := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
			Configs:         applied,
			ListenerBuilder: func() (net.Listener, error) { return net.Listen("tcp", address) },
		})
		for {
			select {
			case <-reload:
				wanted := read(t, files)
				apply(t, istiod.Store(), applied, wanted)
				applied = wanted
			case <-stop:
				return
			}
		}
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// read returns the manifests of the files.
func read(t test.Failer, files []string) []config.Config {
	var texts [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	manifests, unknown, err := crd.ParseInputs(string(bytes.Join(texts, []byte("\n---\n"))))
	if err != nil {
		t.Fatal(err)
	}
	if len(unknown) > 0 {
		t.Fatalf("istiod does not know the kind of %s %q", unknown[0].Kind, unknown[0].Name)
	}
	return manifests
}

// apply changes what differs in the store, as `kubectl apply --prune` would.
func apply(t test.Failer, store model.ConfigStore, applied, wanted []config.Config) {
	kept := map[string]bool{}
	for _, manifest := range wanted {
		kept[manifest.Key()] = true
		stored := store.Get(manifest.GroupVersionKind, manifest.Name, manifest.Namespace)
		var err error
		if stored == nil {
			_, err = store.Create(manifest)
		} else {
			manifest.ResourceVersion, manifest.CreationTimestamp = stored.ResourceVersion, stored.CreationTimestamp
			if !stored.Equals(&manifest) {
				_, err = store.Update(manifest)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, manifest := range applied {
		if !kept[manifest.Key()] {
			if err := store.Delete(manifest.GroupVersionKind, manifest.Name, manifest.Namespace, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}
