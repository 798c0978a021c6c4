const MILLISECONDS = 90
const WIDTH = 600
const HEIGHT = 200
const films = new WeakMap()

function create(tag, className, text = "") {
  const part = document.createElement(tag)
  part.className = className
  part.textContent = text
  return part
}

function createSvg(tag, attributes) {
  const part = document.createElementNS("http://www.w3.org/2000/svg", tag)
  Object.entries(attributes).forEach(([name, value]) => part.setAttribute(name, value))
  return part
}

function line(measure, width) {
  return createSvg("polyline", {
    fill: "none",
    stroke: measure.colour,
    "stroke-width": width,
    "vector-effect": "non-scaling-stroke",
  })
}

class Film {
  constructor(root) {
    this.root = root
    this.step = 0
    this.timer = null
    this.button = create("button", "play")
    this.button.type = "button"
    this.button.onclick = () => (this.timer ? this.pause() : this.play())
    this.range = create("input", "scrub")
    this.range.type = "range"
    this.range.min = 0
    this.range.setAttribute("aria-label", "Channels pruned")
    this.range.oninput = () => {
      this.pause()
      this.show(Number(this.range.value))
    }
    this.caption = create("p", "caption")
    this.cells = create("div", "cells")
    this.cells.setAttribute("role", "img")
    this.figures = create("div", "figures")
    this.chart = createSvg("svg", {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    })
    const controls = create("div", "controls")
    controls.append(this.button, this.range)
    const right = create("div", "right")
    const across = create("div", "axis")
    across.append(create("span", "", "No channel off"), create("span", "", "All off"))
    right.append(this.figures, create("div", "axis", "100 % of the images"), this.chart, across)
    const both = create("div", "both")
    both.append(this.cells, right)
    root.replaceChildren(controls, this.caption, both)
  }

  load(data) {
    const same = JSON.stringify(data) === this.loaded
    if (same) return
    this.loaded = JSON.stringify(data)
    this.pause()
    this.data = data
    this.range.max = data.channels.length
    this.cells.replaceChildren(
      ...data.shades.map((shade) => {
        const cell = create("span", "cell")
        cell.style.setProperty("--shade", 0.15 + 0.85 * shade)
        return cell
      }),
    )
    this.values = data.measures.map((measure) => {
      const figure = create("div", "figure")
      const value = create("strong", "")
      const name = create("span", "name", measure.name)
      figure.style.setProperty("--colour", measure.colour)
      figure.append(value, name)
      return { figure, value }
    })
    this.figures.replaceChildren(...this.values.map((value) => value.figure))
    // The full curves are drawn faintly from the start, so that the layout does not jump.
    const whole = data.measures.map((measure) => line(measure, 1.5))
    whole.forEach((ghost, place) => {
      ghost.setAttribute("opacity", 0.3)
      ghost.setAttribute("points", this.points(place, data.channels.length))
    })
    this.lines = data.measures.map((measure) => line(measure, 3))
    this.chart.replaceChildren(...whole, ...this.lines)
    this.show(0)
  }

  points(place, step) {
    const { channels, measures } = this.data
    return measures[place].values
      .slice(0, step + 1)
      .map((value, at) => `${(WIDTH * at) / channels.length},${HEIGHT * (1 - value / 100)}`)
      .join(" ")
  }

  show(step) {
    const { channels, measures } = this.data
    this.step = step
    this.range.value = step
    const off = new Set(channels.slice(0, step))
    for (const [channel, cell] of [...this.cells.children].entries())
      cell.classList.toggle("off", off.has(channel))
    measures.forEach((measure, place) => {
      this.values[place].value.textContent = `${measure.values[step].toFixed(1)} %`
      this.lines[place].setAttribute("points", this.points(place, step))
    })
    const last = step ? ` Just switched off: channel ${channels[step - 1]}.` : ""
    this.caption.textContent = `${step} of ${channels.length} channels are switched off.${last}`
    this.cells.setAttribute("aria-label", this.caption.textContent)
    this.range.setAttribute("aria-valuetext", this.caption.textContent)
    this.updateButton()
  }

  play() {
    if (this.step >= this.data.channels.length) this.show(0)
    this.timer = setInterval(() => {
      if (!this.root.isConnected || this.step >= this.data.channels.length) return this.pause()
      this.show(this.step + 1)
    }, MILLISECONDS)
    this.updateButton()
  }

  pause() {
    clearInterval(this.timer)
    this.timer = null
    this.updateButton()
  }

  updateButton() {
    this.button.textContent = this.timer ? "❚❚ Pause" : "▶ Play"
  }
}

export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".root")
  if (!films.has(root)) films.set(root, new Film(root))
  const film = films.get(root)
  film.load(data)
  return () => film.pause()
}
