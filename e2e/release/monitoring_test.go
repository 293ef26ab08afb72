package release

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"freehold.dev/freehold/e2e/harness"
)

// alert is an alert of deploy/prometheus/alerts.yaml.
type alert struct {
	Alert  string
	Expr   string
	For    string
	Labels struct{ Severity string }

	Annotations struct {
		Summary, Description string
		RunbookURL           string `yaml:"runbook_url"`
	}
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []alert
		}
	}
	if err := yaml.UnmarshalWithOptions([]byte(readFile(t, "deploy/prometheus/alerts.yaml")), &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// panel is a panel of deploy/grafana/dashboard.json.
type panel struct {
	ID                       int
	Type, Title, Description string
	Collapsed                bool
	Datasource               struct{ Type, UID string }
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct {
		Defaults struct {
			Unit string
			Min  float64
		}
		Overrides []any
	}
	Options map[string]any
	Panels  []any
	Targets []struct {
		RefID              string
		Datasource         struct{ Type, UID string }
		Expr, LegendFormat string
	}
}

func panels(t *testing.T) []panel {
	t.Helper()
	var dashboard struct {
		UID, Title    string
		Tags          []string
		SchemaVersion int
		Editable      bool
		Refresh       string
		Time          struct{ From, To string }
		Templating    struct {
			List []struct{ Name, Label, Type, Query string }
		}
		Panels []panel
	}
	decoder := json.NewDecoder(strings.NewReader(readFile(t, "deploy/grafana/dashboard.json")))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&dashboard); err != nil {
		t.Fatal(err)
	}
	if list := dashboard.Templating.List; len(list) != 1 || list[0].Name != "datasource" || list[0].Type != "datasource" {
		t.Errorf("the dashboard does not ask for its data source: %v", list)
	}
	return dashboard.Panels
}

// Grafana shows each panel: ids differ, no panel is behind another, and each asks the data source that the user chooses.
func TestDashboardCanBeImported(t *testing.T) {
	t.Parallel()
	ids, taken, rows := map[int]bool{}, map[[2]int]string{}, 0
	for _, p := range panels(t) {
		if p.ID == 0 || ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d %q: the id is taken, or there is no title", p.ID, p.Title)
		}
		ids[p.ID] = true
		at := p.GridPos
		if at.X < 0 || at.W < 1 || at.X+at.W > 24 || at.H < 1 {
			t.Errorf("panel %q is outside the grid: %v", p.Title, at)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("panels %q and %q overlap", other, p.Title)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			rows++
			continue
		}
		if len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			if p.Datasource.UID != "${datasource}" || target.Datasource.UID != "${datasource}" || target.Expr == "" || target.RefID == "" {
				t.Errorf("panel %q has the target %+v", p.Title, target)
			}
		}
	}
	if rows < 7 {
		t.Errorf("only %d rows", rows)
	}
}

// expressions returns the expressions of the alerts and the dashboard, by a name for each.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, a := range alerts(t) {
		all["alert "+a.Alert] = a.Expr
	}
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			all[fmt.Sprintf("panel %s, %s", p.Title, target.RefID)] = target.Expr
		}
	}
	return all
}

var (
	selectors = regexp.MustCompile(`\b((?:freehold|go|process)_\w+|up)\b(\{[^}]*\})?`)
	matchers  = regexp.MustCompile(`(\w+)\s*[=!]~?\s*"`)
	groupings = regexp.MustCompile(`\bby \(([^)]*)\)`)
)

// The alerts and the dashboard use only metrics and labels that a server has, and promtool accepts the metrics' names.
func TestAlertsAndDashboardUseMetricsThatExist(t *testing.T) {
	t.Parallel()
	all, text := serveAllMetrics(t).MetricsAndText()
	labels := map[string][]string{"up": {"job", "instance"}} // by metric
	for series := range all {
		name, rest, _ := strings.Cut(series, "{")
		labels[name] = append(labels[name], "job", "instance") // which Prometheus adds
		for _, label := range matchers.FindAllStringSubmatch(rest, -1) {
			labels[name] = append(labels[name], label[1])
		}
	}
	checked := 0
	for what, expression := range expressions(t) {
		var known []string // of all metrics in the expression
		for _, selector := range selectors.FindAllStringSubmatch(expression, -1) {
			checked++
			if labels[selector[1]] == nil {
				t.Errorf("%s uses %s, which a server does not have", what, selector[1])
			}
			for _, matcher := range matchers.FindAllStringSubmatch(selector[2], -1) {
				if !slices.Contains(labels[selector[1]], matcher[1]) {
					t.Errorf("%s uses the label %s, which %s does not have", what, matcher[1], selector[1])
				}
			}
			known = append(known, labels[selector[1]]...)
		}
		for _, grouping := range groupings.FindAllStringSubmatch(expression, -1) {
			for label := range strings.SplitSeq(grouping[1], ", ") {
				if !slices.Contains(known, label) {
					t.Errorf("%s groups by %s, which its metrics do not have", what, label)
				}
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d uses of metrics were found", checked)
	}
	documented := readFile(t, "docs/monitoring.md")
	for name := range labels {
		base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		if strings.HasPrefix(name, "freehold_") && !strings.Contains(documented, "`"+base+"`") {
			t.Errorf("docs/monitoring.md does not have %s", base)
		}
	}
	promtool(t, text, "check", "metrics")
}

// serveAllMetrics starts a service in which each metric has a value.
func serveAllMetrics(t *testing.T) *harness.Service {
	t.Helper()
	s := harness.Start(t, "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_LIMIT_USERNAME=1/1h").Work()
	for _, statement := range []string{
		`CREATE SEQUENCE public.tries`,
		`CREATE FUNCTION public.fail_once() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
			BEGIN IF nextval('public.tries') = 1 THEN RAISE EXCEPTION 'x' USING ERRCODE = 'serialization_failure'; END IF; RETURN NEW; END $$`,
		`CREATE TRIGGER fail_once BEFORE INSERT ON app.profiles FOR EACH ROW EXECUTE FUNCTION public.fail_once()`,
	} {
		s.DB.Query(t, statement)
	}
	a := s.SignUp(nil)
	s.Must("", harness.RequestReset, harness.Input("email", a.Email))
	s.AwaitOutbox()
	for _, name := range []string{"first-name", "second-name"} {
		s.Do(a.Token, harness.ChangeUsername, harness.Input("username", name))
	}
	s.Do("", `mutation { revokeOtherSessions { count } }`, nil)
	return s
}

// Each alert has a section in the runbook that says what it means and what to do, and the runbook has no others.
func TestEachAlertHasARunbookSection(t *testing.T) {
	t.Parallel()
	page, tests := readFile(t, "docs/runbook.md"), readFile(t, "deploy/prometheus/alerts_test.yaml")
	sections := map[string]string{}
	for _, section := range strings.Split(page, "\n## ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		sections[name] = text
	}
	for _, a := range alerts(t) {
		text, ok := sections[a.Alert]
		delete(sections, a.Alert)
		if !ok {
			t.Errorf("the runbook has no section %s", a.Alert)
		}
		for _, part := range []string{"**It means:**", "**Look:**", "**Do:**"} {
			if strings.Count(text, part) != 1 {
				t.Errorf("the section %s does not have one part %s", a.Alert, part)
			}
		}
		if want := "docs/runbook.md#" + strings.ToLower(a.Alert); a.Annotations.RunbookURL != want {
			t.Errorf("the runbook_url of %s is %q, want %q", a.Alert, a.Annotations.RunbookURL, want)
		}
		if a.Annotations.Summary == "" || a.Annotations.Description == "" || !slices.Contains([]string{"info", "warning", "critical"}, a.Labels.Severity) {
			t.Errorf("%s lacks a text or a severity", a.Alert)
		}
		for _, outcome := range []string{"fires", "does not fire"} {
			if !strings.Contains(tests, "  - name: "+a.Alert+" "+outcome+"\n") {
				t.Errorf("alerts_test.yaml has no test that %s %s", a.Alert, outcome)
			}
		}
	}
	for name := range sections {
		t.Errorf("the runbook has a section %s, which is not an alert", name)
	}
}

// promtool accepts the files for Prometheus, and the alerts pass their tests.
func TestPromtoolAcceptsTheFiles(t *testing.T) {
	t.Parallel()
	var rules strings.Builder // the expressions of the dashboard, as rules that promtool can check
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	for i, p := range panels(t) {
		for _, target := range p.Targets {
			expression, err := json.Marshal(strings.ReplaceAll(target.Expr, "$__rate_interval", "1m"))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&rules, "      - record: panel%d:%s\n        expr: %s\n", i, target.RefID, expression)
		}
	}
	ofDashboard := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(ofDashboard, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", root+"/deploy/prometheus/alerts.yaml", ofDashboard)
	promtool(t, "", "check", "config", root+"/deploy/prometheus/prometheus.yaml")
	promtool(t, "", "test", "rules", root+"/deploy/prometheus/alerts_test.yaml")
}

// promtool runs promtool, which must find nothing to complain about.
func promtool(t *testing.T, input string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "promtool", args...)
	c.Stdin = strings.NewReader(input)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		t.Errorf("promtool %s: %v (scripts/need.sh promtool installs it)\n%s", strings.Join(args, " "), err, &out)
	}
}
