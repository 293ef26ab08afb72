package fault_test

import (
	"fmt"
	"strings"

	"freehold.dev/freehold/fault"
)

// A resolver checks all fields of its input, so that a form can show all faults at once.
func ExampleFaults() {
	validate := func(title, body string) error {
		var faults fault.Faults
		if strings.TrimSpace(title) == "" {
			faults.Add("input.title", fault.Flaw{Code: "REQUIRED", Message: "Enter a title."})
		}
		if len(body) > 1000 {
			faults.Add("input.body", fault.Flaw{
				Code: "TOO_LONG", Message: "A note can have at most 1000 bytes.", Params: fault.Params{"max": 1000},
			})
		}
		return faults.Err()
	}
	fmt.Println(validate("Milk", "Two bottles."))
	fmt.Println(validate("", "Two bottles."))
	fmt.Println(validate("", strings.Repeat("x", 1001)))
	// Output:
	// <nil>
	// BAD_USER_INPUT: Enter a title. [input.title REQUIRED]
	// BAD_USER_INPUT: Some fields are invalid. [input.title REQUIRED] [input.body TOO_LONG]
}

// If another row has the value of a field, the error is CONFLICT.
func ExampleTaken() {
	err := fault.Taken("input.slug", "This name is taken.")
	fmt.Println(err, fault.Is(err, fault.Conflict))
	// Output: CONFLICT: This name is taken. [input.slug TAKEN] true
}
