// Package once owns a map that loads each of its values once. It must not know what is loaded.
package once

import "sync"

// Map keeps the value or error of each load. The zero value is ready, and is safe for concurrent use.
type Map struct {
	mu    sync.Mutex
	loads map[any]any // of type func() (T, error)
}

// Do returns the value of a key. The first call loads it. Other calls wait for that load, and get the same value or error. Each
// type of key must have one type of value.
func Do[T any](m *Map, key any, load func() (T, error)) (T, error) {
	m.mu.Lock()
	known, ok := m.loads[key].(func() (T, error))
	if !ok {
		known = sync.OnceValues(load)
		m.set(key, known)
	}
	m.mu.Unlock()
	return known()
}

// Store sets the value of a key, if it was loaded by other means.
func Store[T any](m *Map, key any, value T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(key, func() (T, error) { return value, nil })
}

func (m *Map) set(key, load any) {
	if m.loads == nil {
		m.loads = map[any]any{}
	}
	m.loads[key] = load
}
