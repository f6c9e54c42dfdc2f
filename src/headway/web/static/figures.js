// Figures over time: what the server drew once goes on here, by asking for what is new while it is looked at.
(() => {
  "use strict";
  const LEAST_MS = 1000, MOST_MS = 60000, HIGH = 116, LEAST_WIDE = 44;
  const plots = [];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const two = (number) => String(number).padStart(2, "0");
  function clock(seconds, whole) {
    const at = new Date(seconds * 1000);
    return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}${whole ? `:${two(at.getUTCSeconds())}` : ""}`;
  }
  function amount(value) {
    if (value > 0 && value < 0.01) return "< 0.01";
    return String(Number(value.toFixed(value >= 100 ? 0 : value >= 1 ? 1 : 2)));
  }

  // As wide as the widest label of an axis, and as most of them are at the least: charts stand in line.
  function wide(chart, labels, place, cycle) {
    const axis = chart.axes[place];
    if (cycle > 1) return axis._size;  // what was found before: else labels and width go round and round
    chart.ctx.font = axis.font[0];
    const widest = Math.max(0, ...(labels || []).map((label) => chart.ctx.measureText(label).width));
    return Math.max(LEAST_WIDE, Math.ceil(axis.ticks.size + axis.gap + widest / devicePixelRatio));
  }

  class Plot {
    constructor(figure) {
      this.figure = figure;
      this.name = figure.dataset.measure;
      this.unit = figure.dataset.unit;
      this.caption = document.createElement("figcaption");
      this.said = document.createElement("b");
      this.caption.append(`${this.name} `, this.said);
      this.place = document.createElement("div");
      this.place.setAttribute("role", "img");
      figure.replaceChildren(this.caption, this.place);
      new ResizeObserver(() => this.chart && this.chart.setSize(this.size())).observe(figure);
    }
    size() { return { width: Math.max(120, this.figure.clientWidth), height: HIGH }; }
    draw() {
      if (this.chart) this.chart.destroy();
      const quiet = colour("--quiet"), line = colour(this.name === "errors" ? "--bad" : "--accent");
      const grid = { stroke: colour("--line"), width: 1 };
      const font = "11px system-ui, sans-serif";
      this.chart = new uPlot({
        ...this.size(),
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, sync: { key: "figures" }, y: false },
        scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
        axes: [
          { stroke: quiet, grid, ticks: grid, font, size: 26, values: (_, at) => at.map((one) => clock(one)) },
          { stroke: quiet, grid, ticks: grid, font, size: wide, values: (_, at) => at.map((one) => String(Number(one.toPrecision(2)))) },
        ],
        series: [{}, { stroke: line, fill: `${line}22`, width: 1.5 }],
        hooks: { setCursor: [() => this.say()] },
      }, this.data, this.place);
    }
    show(data) {
      this.data = data;
      if (this.chart) this.chart.setData(data); else this.draw();
      this.say();
    }
    say() {
      const [at, values] = this.data;
      const pointed = this.chart && this.chart.cursor.idx;
      const place = pointed === null || pointed === undefined ? values.length - 1 : pointed;
      const value = values[place] ?? (place === values.length - 1 ? values[place - 1] : null) ?? null;
      // What is counted is called a mean, for it is no count.
      const reading = value === null ? "not measured" : this.unit ? `${amount(value)} ${this.unit}` : `mean ${amount(value)}`;
      this.said.textContent = place === values.length - 1 ? reading : `${reading} at ${clock(at[place], true)} UTC`;
      const known = values.filter((one) => one !== null);
      const between = known.length ? `; between ${amount(Math.min(...known))} and ${amount(Math.max(...known))}` : "";
      const from = at.length ? ` since ${clock(at[0])} UTC` : "";
      this.place.setAttribute("aria-label", `${this.name}: now ${reading}${between}${from}`);
    }
  }

  class Figures {
    constructor(section) {
      this.lasts = section.querySelector("[data-step]");
      this.url = section.dataset.figures;
      this.over = Number(section.dataset.over);
      this.plots = [...section.querySelectorAll("[data-measure]")];
      this.at = [];
      this.values = {};
    }
    async load() {
      clearTimeout(this.waiting);
      if (document.hidden || this.busy) return;
      this.busy = true;
      try {
        const last = this.at[this.at.length - 1];
        const since = last ? `&since=${encodeURIComponent(new Date(last * 1000).toISOString())}` : "";
        const answer = await fetch(this.url + since, { headers: { accept: "application/json" } });
        if (answer.ok) this.take(await answer.json());
      } catch { /* not connected: the foot of the page says so, and it is tried again */ }
      this.busy = false;
      this.waiting = setTimeout(() => this.load(), Math.min(MOST_MS, Math.max(LEAST_MS, this.step || MOST_MS / 6)));
    }
    take(found) {
      this.step = found.step_s * 1000;
      if (this.lasts) this.lasts.textContent = found.step_s < 60 ? `${found.step_s} s` : `${found.step_s / 60} min`;
      const begin = Date.parse(found.begin) / 1000;
      const keep = this.at.findIndex((one) => one >= begin - 1e-3);
      const kept = keep < 0 ? this.at.length : keep;
      const count = found.lines.length ? found.lines[0].values.length : 0;
      const at = [...this.at.slice(0, kept), ...Array.from({ length: count }, (_, place) => begin + place * found.step_s)];
      const first = at.findIndex((one) => one > at[at.length - 1] - this.over);
      for (const line of found.lines) {
        this.values[line.measure] = [...(this.values[line.measure] || []).slice(0, kept), ...line.values].slice(first);
      }
      this.at = at.slice(first);
      if (this.plots[0] instanceof HTMLElement) {  // with the first answer: until then what the server drew stays
        this.plots = this.plots.map((figure) => new Plot(figure));
        plots.push(...this.plots);
      }
      for (const plot of this.plots) plot.show([this.at, this.values[plot.name]]);
    }
  }

  const all = [...document.querySelectorAll("[data-figures]")].map((section) => new Figures(section));
  const load = () => all.forEach((figures) => figures.load());
  document.addEventListener("visibilitychange", load);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plots.forEach((plot) => plot.draw()));
  load();
})();
