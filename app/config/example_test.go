package config_test

import (
	"fmt"

	"freehold.dev/freehold/app/config"
)

// Settings come from the environment. The error names every variable that is unknown or invalid.
func ExampleLoad() {
	c, err := config.Load([]string{"FREEHOLD_ADDR=127.0.0.1:9000", "FREEHOLD_COST_LIMIT=5000"})
	fmt.Println(c.Addr, c.CostLimit, c.PublicURL, err)

	_, err = config.Load([]string{"FREEHOLD_ADRR=127.0.0.1:9000", "FREEHOLD_COST_LIMIT=5"})
	fmt.Println(err)
	// Output:
	// 127.0.0.1:9000 5000 http://127.0.0.1:9000 <nil>
	// FREEHOLD_ADRR: unknown setting
	// FREEHOLD_COST_LIMIT: must be between 100 and 1000000
}
