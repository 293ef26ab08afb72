package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

const chartDir = "deploy/kubernetes/chart/"

// readChart reads the values and the metadata of the chart.
func readChart(t *testing.T) (values map[string]any, appVersion string) {
	t.Helper()
	var chart struct {
		AppVersion string `yaml:"appVersion"`
	}
	if err := yaml.Unmarshal([]byte(readFile(t, chartDir+"Chart.yaml")), &chart); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(readFile(t, chartDir+"values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	return values, chart.AppVersion
}

// render renders the chart as `helm template` does. Helm itself takes minutes to build, and the chart uses few of its functions.
func render(t *testing.T, release string, values map[string]any, appVersion string) (objects map[string]any, err error) {
	t.Helper()
	all := template.New("").Option("missingkey=error")
	all.Funcs(template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var out strings.Builder
			err := all.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"toYaml": func(value any) (string, error) {
			text, err := yaml.Marshal(value)
			return strings.TrimSpace(string(text)), err
		},
		"nindent": func(n int, text string) string {
			indent := "\n" + strings.Repeat(" ", n)
			return indent + strings.ReplaceAll(text, "\n", indent)
		},
		"quote": func(value any) string { return fmt.Sprintf("%q", fmt.Sprint(value)) },
		"default": func(otherwise, value any) any {
			if value == "" {
				return otherwise
			}
			return value
		},
		"required": func(message string, value any) (any, error) {
			if value == "" {
				return nil, errors.New(message)
			}
			return value, nil
		},
	})
	files, err := filepath.Glob(filepath.Join(root, chartDir, "templates", "*"))
	if err != nil || len(files) < 7 {
		t.Fatalf("the templates are %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		template.Must(all.New(filepath.Base(file)).Parse(string(text)))
	}
	objects = map[string]any{}
	for _, file := range files {
		var out bytes.Buffer
		data := map[string]any{"Values": values, "Release": map[string]any{"Name": release}, "Chart": map[string]any{"AppVersion": appVersion}}
		if err := all.ExecuteTemplate(&out, filepath.Base(file), data); err != nil {
			return nil, err
		}
		addObjects(t, objects, out.String())
	}
	return objects, nil
}

// addObjects adds the objects of a file by their kind.
func addObjects(t *testing.T, objects map[string]any, text string) {
	t.Helper()
	for _, document := range strings.Split(text, "\n---\n") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatalf("%v:\n%s", err, document)
		}
		if len(object) > 0 {
			objects[object["kind"].(string)] = object
		}
	}
}

// With its defaults, the chart gives the manifests beside it, except that Helm runs the migration by a hook.
func TestChartGivesTheManifests(t *testing.T) {
	t.Parallel()
	values, appVersion := readChart(t)
	got, err := render(t, "freehold", values, appVersion)
	if err != nil {
		t.Fatal(err)
	}
	metadata := got["Job"].(map[string]any)["metadata"].(map[string]any)
	hook := metadata["annotations"]
	delete(metadata, "annotations")
	if want := map[string]any{"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-delete-policy": "before-hook-creation"}; !cmp.Equal(hook, any(want)) {
		t.Errorf("the hook is %v, want %v", hook, want)
	}
	want := map[string]any{}
	for _, name := range []string{"freehold.yaml", "migrate.yaml"} {
		addObjects(t, want, readFile(t, "deploy/kubernetes/"+name))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the manifests and the chart differ (-manifests +chart):\n%s", diff)
	}
}

// Each value has an effect, and the schema has the same values.
func TestValuesOfTheChart(t *testing.T) {
	t.Parallel()
	values, appVersion := readChart(t)
	var schema map[string]any
	if err := json.Unmarshal([]byte(readFile(t, chartDir+"values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	compareSchema(t, "", values, schema)

	set := map[string]any{
		"image.repository": "registry.example.org/x", "image.tag": "v9", "image.pullPolicy": "Always", "imagePullSecrets": []any{map[string]any{"name": "pulls"}}, "replicas": 7,
		"publicURL": "https://other.example.org", "trustedProxies": "192.0.2.0/24", "mailFrom": "other@example.org", "settings": map[string]any{"FREEHOLD_APP_NAME": "Other"},
		"secret": "other-secret", "migration.secret": "other-migrate", "migration.resources": map[string]any{"limits": map[string]any{"memory": "77Mi"}},
		"drainDelay": "11s", "drainTimeout": "12s", "terminationGracePeriodSeconds": 99, "resources": map[string]any{"limits": map[string]any{"memory": "88Mi"}}, "service.port": 81,
		"ingress.enabled": true, "ingress.className": "other-class", "ingress.annotations": map[string]any{"note": "of-ingress"}, "ingress.host": "other.example.org", "ingress.tlsSecret": "other-tls",
		"podMonitor.enabled": true, "podMonitor.interval": "17s", "podMonitor.labels": map[string]any{"note": "of-monitor"},
		"serviceAccount.create": true, "serviceAccount.name": "other-account", "serviceAccount.annotations": map[string]any{"note": "of-account"},
		"podAnnotations": map[string]any{"note": "of-pod"}, "nodeSelector": map[string]any{"note": "of-node"}, "tolerations": []any{map[string]any{"key": "note"}}, "affinity": map[string]any{"nodeAffinity": map[string]any{}},
	}
	everything := changed(t, values, set, "")
	full, err := render(t, "other", everything, appVersion)
	if err != nil {
		t.Fatal(err)
	}
	if want := "[Deployment Ingress Job PodDisruptionBudget PodMonitor Service ServiceAccount]"; fmt.Sprint(slices.Sorted(maps.Keys(full))) != want {
		t.Errorf("with all values, the objects are %v, want %s", slices.Sorted(maps.Keys(full)), want)
	}
	for name := range set {
		without, err := render(t, "other", changed(t, values, set, name), appVersion)
		if err == nil && cmp.Equal(full, without) {
			t.Errorf("the value %s has no effect", name)
		}
	}
	if none, err := render(t, "other", changed(t, values, map[string]any{"migration.enabled": false}, ""), appVersion); err != nil || none["Job"] != nil {
		t.Errorf("without the migration: %v", err)
	}
}

// changed returns a copy of the values with changes, except one.
func changed(t *testing.T, values, set map[string]any, except string) map[string]any {
	t.Helper()
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for name, value := range set {
		if name == except {
			continue
		}
		group, inner, nested := strings.Cut(name, ".")
		in, key := all, group
		if nested {
			in, key = all[group].(map[string]any), inner
		}
		if _, known := in[key]; !known {
			t.Fatalf("values.yaml has no %s", name)
		}
		in[key] = value
	}
	return all
}

// compareSchema checks that a schema describes the values, and no others.
func compareSchema(t *testing.T, at string, values, schema map[string]any) {
	t.Helper()
	described, _ := schema["properties"].(map[string]any)
	if schema["additionalProperties"] != false {
		t.Errorf("the schema permits unknown values in %q", at)
	}
	for name, value := range values {
		of, ok := described[name].(map[string]any)
		if !ok {
			t.Errorf("the schema does not describe %s%s", at, name)
			continue
		}
		if group, ok := value.(map[string]any); ok && of["properties"] != nil {
			compareSchema(t, at+name+".", group, of)
		}
	}
	for name := range described {
		if _, ok := values[name]; !ok && name != "global" { // which Helm adds
			t.Errorf("values.yaml does not have %s%s", at, name)
		}
	}
}
