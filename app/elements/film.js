const MILLISECONDS = 90
const films = new WeakMap()

function create(tag, className, text = "") {
  const part = document.createElement(tag)
  part.className = className
  part.textContent = text
  return part
}

// The channels of a layer, of which the first so many of the pruning order are off. Whoever moves
// the slider sees the channels go at once; the page learns of the step when the slider rests.
class Film {
  constructor(root) {
    this.root = root
    this.step = 0
    this.timer = null
    this.button = create("button", "play")
    this.button.type = "button"
    this.button.onclick = () => (this.timer ? this.rest() : this.play())
    this.back = this.stepButton("‹", "One channel back", -1)
    this.forward = this.stepButton("›", "One channel further", 1)
    this.range = create("input", "scrub")
    this.range.type = "range"
    this.range.min = 0
    this.range.setAttribute("aria-label", "Channels pruned")
    this.range.oninput = () => {
      this.pause()
      this.show(Number(this.range.value))
    }
    this.range.onchange = () => this.rest()
    this.caption = create("p", "caption")
    this.caption.setAttribute("aria-live", "polite")
    this.cells = create("div", "cells")
    this.cells.setAttribute("role", "img")
    const controls = create("div", "controls")
    controls.append(this.button, this.back, this.forward, this.range)
    root.replaceChildren(controls, this.caption, this.cells)
  }

  stepButton(text, label, by) {
    const button = create("button", "step", text)
    button.type = "button"
    button.setAttribute("aria-label", label)
    button.onclick = () => {
      this.show(Math.min(Math.max(this.step + by, 0), this.data.channels.length))
      this.rest()
    }
    return button
  }

  load(data) {
    const { step, ...fixed } = data
    const known = JSON.stringify(fixed)
    if (known !== this.known) {
      this.known = known
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
      this.sent = null
    }
    // What the page says counts, unless it answers to an older position of this film.
    const waiting = this.sent !== null && this.sent !== step
    if (!this.timer && !waiting) this.show(step)
    if (this.sent === step) this.sent = null
  }

  show(step) {
    const { channels, figure, percent } = this.data
    this.step = step
    this.range.value = step
    const off = new Set(channels.slice(0, step))
    for (const [channel, cell] of [...this.cells.children].entries()) {
      cell.classList.toggle("off", off.has(channel))
      cell.classList.toggle("last", step > 0 && channel === channels[step - 1])
    }
    const last = step ? ` Just removed: channel ${channels[step - 1]}.` : ""
    this.caption.textContent =
      `${step} of ${channels.length} channels pruned, ` +
      `${figure} ${percent[step].toFixed(1)} %.${last}`
    this.cells.setAttribute("aria-label", this.caption.textContent)
    this.range.setAttribute("aria-valuetext", this.caption.textContent)
    this.updateButton()
  }

  play() {
    if (this.step >= this.data.channels.length) this.show(0)
    this.timer = setInterval(() => {
      if (!this.root.isConnected) return this.pause()
      if (this.step >= this.data.channels.length) return this.rest()
      this.show(this.step + 1)
    }, MILLISECONDS)
    this.updateButton()
  }

  pause() {
    clearInterval(this.timer)
    this.timer = null
    this.updateButton()
  }

  rest() {
    this.pause()
    this.sent = this.step
    this.send(this.step)
  }

  updateButton() {
    this.button.textContent = this.timer ? "❚❚ Pause" : "▶ Play"
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  if (!films.has(root)) films.set(root, new Film(root))
  const film = films.get(root)
  film.send = (step) => setTriggerValue("step", step)
  film.load(data)
  return () => film.pause()
}
