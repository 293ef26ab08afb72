package app

import "freehold.dev/freehold/telemetry"

// Build identifies the program that runs.
type Build = telemetry.Build

// ReadBuild returns the build of this program.
func ReadBuild() Build { return telemetry.ReadBuild() }
