# The picture of the curve: reads "series clients orders p50 p95 p99" (orders
# a second, milliseconds), a line a point, and writes SVG: on the left orders a
# second, on the right the 50th and the 99th percentile on a scale of tens.
#
# usage: awk -v title=TEXT -f bench/chart.awk FILE > curve.svg
{
	if (!($1 in number)) { number[$1] = ++series; name[series] = $1 }
	s = number[$1]
	n = ++points[s]
	clients[s, n] = $2; rate[s, n] = $3; p50[s, n] = $4; p99[s, n] = $6
	if ($2 > most_clients) most_clients = $2
	if ($3 > most_rate) most_rate = $3
	if ($6 > most_ms) most_ms = $6
	if (least_ms == "" || $4 < least_ms) least_ms = $4
}
END {
	split("#1b6ca8 #c8553d #3a7d44 #7a5195", colour, " ")
	told["spread"] = "20,000 products"
	told["hot"] = "one product in every order"
	told["striped"] = "the same, its stock in stripes"
	width = 960; height = 430; top = 60; foot = 350; panel = 360
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n", width, height
	printf "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height
	text(20, 24, "start", title, "font-size=\"15\"")
	rates(80)
	delays(570)
	for (s = 1; s <= series; s++) {
		x = 80 + (s - 1) * 240
		printf "<line x1=\"%d\" y1=\"405\" x2=\"%d\" y2=\"405\" stroke=\"%s\" stroke-width=\"2.5\"/>\n", x, x + 26, colour[s]
		text(x + 32, 409, "start", name[s] in told ? told[name[s]] : name[s])
	}
	print "</svg>"
}

function rates(left,    step, v, s, n) {
	step = nice(most_rate / 5)
	text(left, top - 14, "start", "orders a second")
	for (v = 0; v <= most_rate * 1.02; v += step) ruled(left, foot - v / most_rate * (foot - top), v)
	axis(left)
	for (s = 1; s <= series; s++) {
		path = ""
		for (n = 1; n <= points[s]; n++) point(s, across(left, clients[s, n]), foot - rate[s, n] / most_rate * (foot - top))
		drawn(s, "")
	}
}

function delays(left,    low, high, v, m, s, n) {
	low = decade(least_ms) ; high = decade(most_ms) + 1
	text(left, top - 14, "start", "milliseconds an order: 99th percentile, and the median, broken")
	for (v = low; v <= high; v++) ruled(left, scaled(exp(v * log(10)), low, high), sprintf("%g", exp(v * log(10))))
	axis(left)
	for (s = 1; s <= series; s++) {
		path = ""
		for (n = 1; n <= points[s]; n++) point(s, across(left, clients[s, n]), scaled(p99[s, n], low, high))
		drawn(s, "")
		path = ""
		for (n = 1; n <= points[s]; n++) point(s, across(left, clients[s, n]), scaled(p50[s, n], low, high))
		drawn(s, " stroke-dasharray=\"5 4\"")
	}
}

function axis(left,    c) {
	for (c = 1; c <= most_clients; c *= 2) {
		printf "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#222\"/>\n", across(left, c), foot, across(left, c), foot + 5
		text(across(left, c), foot + 19, "middle", c)
	}
	printf "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#222\"/>\n", left, foot, left + panel, foot
	text(left + panel / 2, foot + 36, "middle", "clients")
}

function ruled(left, y, label) {
	printf "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", left, y, left + panel, y
	text(left - 8, y + 4, "end", label)
}

function point(s, x, y) {
	path = path sprintf("%s%.1f,%.1f", path == "" ? "" : " ", x, y)
	printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x, y, colour[s]
}

function drawn(s, more) { printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s/>\n", path, colour[s], more }
function across(left, c) { return left + (most_clients > 1 ? log(c) / log(most_clients) : 0) * panel }
function scaled(ms, low, high) { return foot - (log(ms) / log(10) - low) / (high - low) * (foot - top) }
function decade(v,    d) { d = int(log(v) / log(10)); return v < 1 && d > log(v) / log(10) ? d - 1 : d }
function text(x, y, anchor, words, more) { printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", x, y, anchor, more == "" ? "" : " " more, words }
function nice(v,    p) {
	if (v <= 0) return 1
	p = exp(int(log(v) / log(10)) * log(10))
	return v / p <= 1 ? p : v / p <= 2 ? 2 * p : v / p <= 5 ? 5 * p : 10 * p
}
