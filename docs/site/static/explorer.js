// Sliders that choose a frame of every panel, its PSNR, and a chart of PSNR over the first slider.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const CHART = { width: 640, height: 210, left: 30, right: 64, top: 22, bottom: 38 };

function element(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

// The frame of one index for each slider: the last slider runs fastest.
function frameAt(data, indices) {
  return indices.reduce((sum, index, k) => sum * data.sliders[k].values.length + index, 0);
}

// Percentages of CSS: 0 % shows the first frame of the sheet and 100 % the last.
function showFrame(picture, url, frame, columns) {
  const frames = Number(picture.dataset.frames);
  const across = Math.min(columns, frames), down = frames / across;
  const share = (index, count) => (count > 1 ? (100 * index) / (count - 1) : 0);
  const shown = frames > 1 ? frame : 0;
  picture.style.backgroundImage = `url("${url}")`;
  picture.style.backgroundSize = `${100 * across}% ${100 * down}%`;
  picture.style.backgroundPosition =
    `${share(shown % across, across)}% ${share(Math.floor(shown / across), down)}%`;
}

// Moves labels apart, from the top down, so that each has a line of its own.
function spread(labels, distance) {
  labels.sort((one, other) => one.y - other.y);
  labels.forEach((label, k) => { if (k > 0) label.y = Math.max(label.y, labels[k - 1].y + distance); });
  return labels;
}

// PSNR over the first slider, the others where they are.
function drawChart(box, data, psnr, indices, names) {
  const { width, height, left, right, top, bottom } = CHART;
  const { values, reference, label } = data.sliders[0];
  const frameOf = (index) => frameAt(data, [index, ...indices.slice(1)]);
  const everything = Object.values(psnr).flat();
  const step = Math.max(...everything) - Math.min(...everything) > 30 ? 10 : 5;
  const low = Math.floor(Math.min(...everything) / step) * step;
  const high = Math.ceil(Math.max(...everything) / step) * step;
  const x = (index) => left + (index / (values.length - 1)) * (width - left - right);
  const y = (value) => top + ((high - value) / (high - low)) * (height - top - bottom);
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `PSNR over ${label}` });
  const tick = (text, px, py, anchor) =>
    svg.append(element("text", { class: "tick", x: px, y: py, "text-anchor": anchor }, text));
  const line = (name, x1, x2, y1, y2) => svg.append(element("line", { class: name, x1, x2, y1, y2 }));

  for (let value = low; value <= high; value += step) {
    line("grid", left, width - right, y(value), y(value));
    tick(value, left - 6, y(value) + 4, "end");
  }
  values.forEach((value, index) => tick(value, x(index), height - bottom + 16, "middle"));
  tick("PSNR in dB", left, top - 8, "start");
  tick(label, x((values.length - 1) / 2), height - 4, "middle");
  const trained = x(values.indexOf(reference)), now = x(indices[0]);
  line("trained", trained, trained, top, height - bottom);
  line("now", now, now, top, height - bottom);

  const ends = [];
  for (const [key, numbers] of Object.entries(psnr)) {
    if (!numbers.length) continue;
    const points = values.map((_, index) => [x(index), y(numbers[frameOf(index)])]);
    svg.append(element("polyline", { class: key, points: points.map((point) => point.join()).join(" ") }));
    svg.append(element("circle", { class: key, cx: now, cy: points[indices[0]][1], r: 4 }));
    ends.push({ key, y: points.at(-1)[1] + 4 });
  }
  for (const end of spread(ends, 13)) {
    svg.append(element("text", { class: end.key, x: width - right + 8, y: end.y }, names[end.key]));
  }
  box.replaceChildren(svg);
}

function start(explorer) {
  const data = JSON.parse(explorer.querySelector("script").textContent);
  const sliders = [...explorer.querySelectorAll("input[type=range]")];
  const panels = [...explorer.querySelectorAll("[data-panel]")];
  const names = { noisy: "noisy", baseline: "baseline", wne: "WNE" };

  function show() {
    const photo = explorer.querySelector("input[type=radio]:checked").value;
    const indices = sliders.map((slider) => Number(slider.value));
    const frame = frameAt(data, indices);
    sliders.forEach((slider, k) => {
      const value = String(data.sliders[k].values[indices[k]]);
      slider.setAttribute("aria-valuetext", value);
      slider.parentElement.querySelector("output").textContent = value;
    });
    for (const panel of panels) {
      const key = panel.dataset.panel, values = data.psnr[photo][key];
      const picture = panel.querySelector(".picture");
      showFrame(picture, `${explorer.dataset.pictures}${data.name}-${photo}-${key}.webp`, frame, data.columns);
      const result = values.length ? `${values[frame].toFixed(2)} dB` : "";
      panel.querySelector("output").textContent = result;
      picture.setAttribute("aria-label", `${photo}: ${panel.querySelector("span").textContent} ${result}`);
    }
    drawChart(explorer.querySelector(".chart"), data, data.psnr[photo], indices, names);
  }

  explorer.addEventListener("input", show);
  show();
}

document.querySelectorAll(".explorer").forEach(start);
