// Package chart draws curves as an SVG that can be read on light and on dark pages.
//
// It owns scales, colours and labels. It must not know what the numbers mean.
package chart

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Panel is one chart: curves over a number on a logarithmic scale.
type Panel struct {
	Unit   string // of the values
	Title  string // of the number
	Xs     []int  // of which there are two or more, in their order
	Curves []Curve
}

// A Curve has a value, 0 or more, for each of the numbers.
type Curve struct {
	Name string
	Ys   []float64
}

// The size of a panel and of its margins, in pixels.
const (
	width, height         = 400, 300
	left, right, top, low = 48, 76, 40, 44
)

// style has colours that read on light and on dark pages.
const style = `
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .title { font-size: 13px; font-weight: 600 }
  .grid { stroke: #8886; stroke-width: 1 }
  .curve { fill: none; stroke-width: 2 }
`

var colours = []string{"#2f81f7", "#d29922", "#a371f7", "#3fb950", "#f85149"}

// Draw returns an SVG of the panels, side by side.
func Draw(panels []Panel) string {
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="curves">`+"\n<style>%s"+
		"  @media (prefers-color-scheme: dark) { text { fill: #adbac7 } }\n</style>\n", width*len(panels), height, style)
	for i, p := range panels {
		fmt.Fprintf(&svg, "<g transform=\"translate(%d 0)\">\n", i*width)
		p.draw(&svg)
		svg.WriteString("</g>\n")
	}
	svg.WriteString("</svg>\n")
	return svg.String()
}

func (p Panel) draw(svg *strings.Builder) {
	most := 0.0
	for _, c := range p.Curves {
		most = max(most, slices.Max(c.Ys))
	}
	step := gridStep(most)
	ceiling := step * math.Ceil(most/step)
	x := func(n int) float64 {
		first, last := math.Log(float64(p.Xs[0])), math.Log(float64(p.Xs[len(p.Xs)-1]))
		return left + (width-left-right)*(math.Log(float64(n))-first)/(last-first)
	}
	y := func(v float64) float64 { return height - low - (height-low-top)*v/ceiling }

	fmt.Fprintf(svg, "<text class=\"title\" x=\"%d\" y=\"20\">%s</text>\n", left, html.EscapeString(p.Unit))
	for v := 0.0; v <= ceiling+step/2; v += step {
		fmt.Fprintf(svg, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>\n",
			left, y(v), width-right, left-6, y(v)+4, v)
	}
	for _, n := range p.Xs {
		fmt.Fprintf(svg, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x(n), height-low+18, Thousands(n))
	}
	fmt.Fprintf(svg, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", (left+width-right)/2, height-8, html.EscapeString(p.Title))
	labels := make([]float64, len(p.Curves))
	for i, c := range p.Curves {
		labels[i] = y(c.Ys[len(c.Ys)-1]) + 4
	}
	labels = apart(labels, 14)
	for i, c := range p.Curves {
		colour := colours[i%len(colours)]
		points := make([]string, len(c.Ys))
		for j, v := range c.Ys {
			points[j] = fmt.Sprintf("%.1f,%.1f", x(p.Xs[j]), y(v))
			fmt.Fprintf(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>", x(p.Xs[j]), y(v), colour)
		}
		fmt.Fprintf(svg, "<polyline class=\"curve\" stroke=\"%s\" points=\"%s\"/>\n", colour, strings.Join(points, " "))
		fmt.Fprintf(svg, "<text x=\"%d\" y=\"%.1f\" style=\"fill:%s\">%s</text>\n", width-right+10, labels[i], colour, html.EscapeString(c.Name))
	}
}

// gridStep returns 1, 2 or 5 times a power of ten, so that the scale has 3 to 8 steps.
func gridStep(most float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, n := range []float64{0.2, 0.5, 1} {
		if most/(n*power) <= 8 {
			return n * power
		}
	}
	return 2 * power
}

// apart moves places until any two are at least a distance apart. Their order stays.
func apart(places []float64, distance float64) []float64 {
	order := make([]int, len(places))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if places[a] < places[b] {
			return -1
		}
		return 1
	})
	moved := slices.Clone(places)
	for i := 1; i < len(order); i++ {
		moved[order[i]] = max(moved[order[i]], moved[order[i-1]]+distance)
	}
	return moved
}

// Thousands writes a number with commas.
func Thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return Thousands(n/1000) + fmt.Sprintf(",%03d", n%1000)
}
