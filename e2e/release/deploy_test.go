package release

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// deployed is how a file in deploy runs the image.
type deployed struct {
	args   []string
	env    []string
	mounts []string // folders or files with secrets
}

// deployments returns the two ways in which a file in deploy runs the image: to migrate, and to serve.
func deployments(t *testing.T) map[string]struct{ migrate, serve deployed } {
	t.Helper()
	services := compose(t)
	return map[string]struct{ migrate, serve deployed }{
		"compose":    {services["migrate"], services["freehold"]},
		"kubernetes": {pod(t, "migrate.yaml"), pod(t, "freehold.yaml")},
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// compose returns the services of deploy/compose.yaml that run the image.
func compose(t *testing.T) map[string]deployed {
	t.Helper()
	var file struct {
		Services map[string]struct {
			Image       string
			Command     []string
			Environment map[string]string
			Secrets     []string
			ReadOnly    bool `yaml:"read_only"`
		}
		Secrets map[string]struct{ File string }
	}
	if err := yaml.Unmarshal([]byte(readFile(t, "deploy/compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	found := map[string]deployed{}
	for name, s := range file.Services {
		if s.Image != "freehold" {
			continue
		}
		d := deployed{args: s.Command}
		for variable, value := range s.Environment {
			d.env = append(d.env, variable+"="+value)
		}
		for _, secret := range s.Secrets {
			if file.Secrets[secret].File == "" {
				t.Errorf("service %s uses secret %s, which has no file", name, secret)
			}
			d.mounts = append(d.mounts, "/run/secrets/"+secret)
		}
		if !s.ReadOnly {
			t.Errorf("service %s can write into its image", name)
		}
		found[name] = d
	}
	return found
}

// pod returns what the first object of a file in deploy/kubernetes runs.
func pod(t *testing.T, name string) deployed {
	t.Helper()
	var object struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Args         []string
						Env          []struct{ Name, Value string }
						VolumeMounts []struct {
							MountPath string `yaml:"mountPath"`
						} `yaml:"volumeMounts"`
					}
				}
			}
		}
	}
	first, _, _ := strings.Cut(readFile(t, "deploy/kubernetes/"+name), "\n---\n")
	if err := yaml.Unmarshal([]byte(first), &object); err != nil {
		t.Fatal(err)
	}
	if len(object.Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("%s has %d containers", name, len(object.Spec.Template.Spec.Containers))
	}
	c := object.Spec.Template.Spec.Containers[0]
	d := deployed{args: c.Args}
	for _, variable := range c.Env {
		d.env = append(d.env, variable.Name+"="+variable.Value)
	}
	for _, mount := range c.VolumeMounts {
		d.mounts = append(d.mounts, mount.MountPath)
	}
	return d
}

// unit returns the settings of the systemd unit, with the folder of its credentials.
func unit(t *testing.T, credentials string) (settings []string) {
	t.Helper()
	text := readFile(t, "deploy/systemd/freehold.service")
	for _, setting := range regexp.MustCompile(`(?m)^Environment=(.*)$`).FindAllStringSubmatch(text, -1) {
		settings = append(settings, strings.ReplaceAll(setting[1], "%d", credentials))
	}
	for _, setting := range settings {
		if _, file, ok := strings.Cut(setting, credentials+"/"); ok && !strings.Contains(text, "\nLoadCredential="+file+":/etc/freehold/"+file+"\n") {
			t.Errorf("the unit has no credential %s", file)
		}
	}
	return settings
}

// place writes the secrets that the settings name into the image, and returns the settings for this machine.
func (i image) place(t *testing.T, d deployed, secrets map[string][]byte) (settings []string) {
	t.Helper()
	for _, setting := range d.env {
		name, file, _ := strings.Cut(setting, "=")
		if strings.HasSuffix(name, "_FILE") {
			if !slices.ContainsFunc(d.mounts, func(mount string) bool { return mount == file || mount == path.Dir(file) }) {
				t.Errorf("%s names %s, which is not mounted", name, file)
			}
			setting = name + "=" + i.secret(t, file, secrets[path.Base(file)])
		}
		settings = append(settings, setting)
	}
	return settings
}

// The unit for systemd has only real settings, and with a public URL they are complete.
func TestUnitIsComplete(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"database-url": "postgres://freehold_app@db/freehold", "signing-key": string(signingKey(t)), "encryption-key": strings.Repeat("A", 43) + "="} {
		put(t, filepath.Join(dir, name), []byte(text), 0o400)
	}
	settings := append(unit(t, dir), "FREEHOLD_PUBLIC_URL=https://id.example.org")
	out, err := freehold(t, settings, "config").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "DATABASE_URL_FILE="+dir+"/database-url") {
		t.Errorf("freehold config: %v\n%s", err, out)
	}
	if out, err := freehold(t, append(settings, "FREEHOLD_ADRR=x"), "config").CombinedOutput(); err == nil {
		t.Errorf("freehold config accepts an unknown setting: %s", out)
	}
}

// deploy/secrets.sh creates what deploy/compose.yaml mounts and requires, in forms that freehold reads.
func TestSecretsAreThoseOfCompose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	copyFile(t, filepath.Join(root, "deploy/secrets.sh"), filepath.Join(dir, "secrets.sh"))
	run := func() {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "secrets.sh")).CombinedOutput(); err != nil {
			t.Fatalf("secrets.sh: %v: %s", err, out)
		}
	}
	run()
	variables, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	for _, required := range regexp.MustCompile(`\$\{(\w+):\?`).FindAllStringSubmatch(readFile(t, "deploy/compose.yaml"), -1) {
		if !regexp.MustCompile(`(?m)^` + required[1] + `=.`).Match(variables) {
			t.Errorf(".env does not set %s", required[1])
		}
	}
	if strings.Contains(string(variables), "FREEHOLD_USER=0:") {
		t.Error("freehold would run as root")
	}
	var settings []string
	for _, d := range compose(t) {
		for _, setting := range d.env {
			settings = append(settings, strings.ReplaceAll(setting, "/run/secrets/", dir+"/secrets/"))
		}
	}
	slices.Sort(settings)
	out, err := freehold(t, slices.Compact(settings), "config").CombinedOutput()
	if err != nil {
		t.Errorf("freehold config: %v\n%s", err, out)
	}
	run()
	if again, err := os.ReadFile(filepath.Join(dir, ".env")); err != nil || string(again) != string(variables) {
		t.Errorf("a second run changes the secrets: %v", err)
	}
}

// The page says how to create each secret that Kubernetes mounts, and the image's health is asked where the pod serves.
func TestKubernetesSecretsAreDocumented(t *testing.T) {
	t.Parallel()
	page, d := readFile(t, "docs/deployment.md"), deployments(t)["kubernetes"]
	for _, setting := range slices.Concat(d.migrate.env, d.serve.env) {
		if name, file, _ := strings.Cut(setting, "="); strings.HasSuffix(name, "_FILE") && !strings.Contains(page, "--from-file="+path.Base(file)) {
			t.Errorf("docs/deployment.md does not create %s", path.Base(file))
		}
	}
	objects := strings.Split(readFile(t, "deploy/kubernetes/freehold.yaml"), "\n---\n")
	var kinds []string
	for _, object := range objects {
		var o struct{ Kind string }
		if err := yaml.Unmarshal([]byte(object), &o); err != nil {
			t.Error(err)
		}
		kinds = append(kinds, o.Kind)
	}
	if want := "[Deployment Service PodDisruptionBudget]"; fmt.Sprint(kinds) != want {
		t.Errorf("freehold.yaml has %v, want %s", kinds, want)
	}
}
