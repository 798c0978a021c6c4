const KEY_STEP = 8 // pixels of the photo
const SMALLEST = 16 // pixels of the photo
const croppers = new WeakMap()

function create(tag, className) {
  const part = document.createElement(tag)
  part.className = className
  return part
}

// A photo with a square that is dragged by the pointer, moved by the arrow keys, and resized with
// the slider or plus and minus.
class Cropper {
  constructor(root) {
    this.frame = create("div", "frame")
    this.photo = create("img", "photo")
    this.square = create("div", "square")
    this.square.tabIndex = 0
    this.square.setAttribute("role", "group")
    this.size = create("input", "size")
    this.size.type = "range"
    this.size.min = SMALLEST
    this.size.setAttribute("aria-label", "Size of the crop")
    this.frame.append(this.photo, this.square)
    root.replaceChildren(this.frame, this.size)
    this.square.onpointerdown = (event) => this.grab(event)
    this.square.onpointermove = (event) => this.drag(event)
    this.square.onpointerup = () => this.release()
    this.square.onkeydown = (event) => this.press(event)
    this.size.oninput = () => this.resize(Number(this.size.value))
    this.size.onchange = () => this.send(this.crop)
  }

  load(data) {
    if (this.photo.getAttribute("src") !== data.photo) this.photo.src = data.photo
    this.photo.alt = data.alternative
    this.width = data.width
    this.height = data.height
    this.size.max = Math.min(data.width, data.height)
    if (!this.held) this.set(data.crop)
  }

  set({ left, top, side }) {
    const { width, height } = this
    side = Math.round(Math.min(Math.max(side, SMALLEST), width, height))
    left = Math.round(Math.min(Math.max(left, 0), width - side))
    top = Math.round(Math.min(Math.max(top, 0), height - side))
    this.crop = { left, top, side }
    this.size.value = side
    Object.assign(this.square.style, {
      left: `${(100 * left) / width}%`,
      top: `${(100 * top) / height}%`,
      width: `${(100 * side) / width}%`,
      height: `${(100 * side) / height}%`,
    })
    this.square.setAttribute(
      "aria-label",
      `Crop of ${side} pixels at ${left}, ${top}. Arrow keys move it, plus and minus resize it.`,
    )
  }

  resize(side) {
    const { left, top, side: before } = this.crop
    this.set({ left: left + (before - side) / 2, top: top + (before - side) / 2, side })
  }

  grab(event) {
    this.square.setPointerCapture(event.pointerId)
    this.held = { x: event.clientX, y: event.clientY, ...this.crop }
  }

  drag(event) {
    if (!this.held) return
    const factor = this.width / this.photo.getBoundingClientRect().width
    const { x, y, left, top, side } = this.held
    this.set({
      left: left + factor * (event.clientX - x),
      top: top + factor * (event.clientY - y),
      side,
    })
  }

  release() {
    this.held = null
    this.send(this.crop)
  }

  press(event) {
    const { left, top, side } = this.crop
    const moves = {
      ArrowLeft: { left: left - KEY_STEP, top, side },
      ArrowRight: { left: left + KEY_STEP, top, side },
      ArrowUp: { left, top: top - KEY_STEP, side },
      ArrowDown: { left, top: top + KEY_STEP, side },
    }
    if (event.key in moves) this.set(moves[event.key])
    else if (event.key === "+") this.resize(side + 2 * KEY_STEP)
    else if (event.key === "-") this.resize(side - 2 * KEY_STEP)
    else return
    event.preventDefault()
    this.send(this.crop)
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  if (!croppers.has(root)) croppers.set(root, new Cropper(root))
  const cropper = croppers.get(root)
  cropper.send = (crop) => setTriggerValue("crop", crop)
  cropper.load(data)
}
