package telemetry

import (
	"runtime"
	"runtime/debug"
)

// scripts/release.sh sets these when it links a release. The version that Go records itself depends on the folder's version
// control, so a build from an archive of the sources would differ.
var version, commit string

// Build identifies the program that runs.
type Build struct {
	Version string // of the program's module; "(devel)" if it was built without version control
	Commit  string // the full hash; empty if it was built without version control
	Go      string // such as go1.26.0
}

// ReadBuild returns the build of this program: what the release set, or else what Go recorded.
func ReadBuild() Build {
	b := Build{Version: "unknown", Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Version = info.Main.Version
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				b.Commit = setting.Value
			}
		}
	}
	if version != "" {
		b.Version, b.Commit = version, commit
	}
	return b
}

// String returns the build in one line.
func (b Build) String() string {
	if b.Commit == "" {
		return b.Version + ", " + b.Go
	}
	return b.Version + ", commit " + b.Commit + ", " + b.Go
}
