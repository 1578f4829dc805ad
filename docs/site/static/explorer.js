// Sliders that choose a frame of every panel, its PSNR, and a chart of PSNR over the first slider.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const CHART = { width: 640, height: 190, left: 44, right: 90, top: 10, bottom: 34 };

function element(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
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

function drawChart(box, data, psnr, indices, labels) {
  const { width, height, left, right, top, bottom } = CHART;
  const slider = data.sliders[0], count = slider.values.length;
  const stride = data.sliders.slice(1).reduce((product, other) => product * other.values.length, 1);
  const offset = data.sliders.length > 1 ? indices[1] : 0;
  const everything = Object.values(psnr).flat();
  const low = Math.floor(Math.min(...everything) / 5) * 5, high = Math.ceil(Math.max(...everything) / 5) * 5;
  const x = (index) => left + (index / (count - 1)) * (width - left - right);
  const y = (value) => top + ((high - value) / (high - low)) * (height - top - bottom);
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "PSNR over the slider" });
  for (let value = low; value <= high; value += high - low > 30 ? 10 : 5) {
    svg.append(element("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }));
    svg.append(element("text", { class: "tick", x: left - 6, y: y(value) + 4, "text-anchor": "end" }, value));
  }
  slider.values.forEach((value, index) => svg.append(
    element("text", { class: "tick", x: x(index), y: height - bottom + 16, "text-anchor": "middle" }, value)));
  svg.append(element("text", { class: "tick", x: left - 6, y: height - 4, "text-anchor": "start" }, "PSNR in dB"));
  const bar = (name, index) => svg.append(
    element("line", { class: name, x1: x(index), x2: x(index), y1: top, y2: height - bottom }));
  bar("trained", slider.values.indexOf(slider.reference));
  bar("now", indices[0]);
  for (const [key, values] of Object.entries(psnr)) {
    if (!values.length) continue;
    const points = slider.values.map((_, index) => [x(index), y(values[index * stride + offset])]);
    svg.append(element("polyline", { class: key, points: points.map((point) => point.join()).join(" ") }));
    const [cx, cy] = points[indices[0]];
    svg.append(element("circle", { class: key, cx, cy, r: 4 }));
    svg.append(element("text", { class: key, x: width - right + 8, y: points.at(-1)[1] + 4 }, labels[key]));
  }
  box.replaceChildren(svg);
}

function start(explorer) {
  const data = JSON.parse(explorer.querySelector("script").textContent);
  const sliders = [...explorer.querySelectorAll("input[type=range]")];
  const panels = [...explorer.querySelectorAll("[data-panel]")];
  const labels = { noisy: "noisy", baseline: "baseline", wne: "WNE" };

  function show() {
    const photo = explorer.querySelector("input[type=radio]:checked").value;
    const indices = sliders.map((slider) => Number(slider.value));
    const frame = indices.reduce((sum, index, k) => sum * data.sliders[k].values.length + index, 0);
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
    drawChart(explorer.querySelector(".chart"), data, data.psnr[photo], indices, labels);
  }

  explorer.addEventListener("input", show);
  show();
}

document.querySelectorAll(".explorer").forEach(start);
