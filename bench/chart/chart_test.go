package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestDrawIsXMLWithAllCurves(t *testing.T) {
	t.Parallel()
	svg := Draw([]Panel{
		{Unit: "ms", Title: "accounts & more", Xs: []int{1000, 1_000_000}, Curves: []Curve{{"one", []float64{1, 2}}, {"two", []float64{1, 2}}}},
		{Unit: "s", Title: "sessions", Xs: []int{1, 10}, Curves: []Curve{{"three", []float64{0, 0.1}}}},
	})
	decoder := xml.NewDecoder(strings.NewReader(svg))
	texts, lines := []string{}, 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "polyline" {
				lines++
			}
		case xml.CharData:
			texts = append(texts, string(token))
		default:
		}
	}
	if lines != 3 {
		t.Errorf("%d lines, want 3", lines)
	}
	for _, want := range []string{"one", "two", "three", "1,000,000", "accounts & more", "ms"} {
		if !slices.Contains(texts, want) {
			t.Errorf("there is no text %q", want)
		}
	}
}

func TestGridStep(t *testing.T) {
	t.Parallel()
	for most, want := range map[float64]float64{0.9: 0.2, 1: 0.2, 1.7: 0.5, 2.7: 0.5, 4.2: 1, 7.9: 1, 30: 5, 95: 20} {
		if got := gridStep(most); got < want*0.999 || got > want*1.001 {
			t.Errorf("up to %v: %v, want %v", most, got, want)
		}
	}
}

func TestLabelsStandApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ places, want []float64 }{
		{[]float64{10, 50}, []float64{10, 50}},
		{[]float64{12, 10}, []float64{24, 10}},
		{[]float64{10, 10, 10}, []float64{10, 24, 38}},
	} {
		if got := apart(c.places, 14); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.places, got, c.want)
		}
	}
}
