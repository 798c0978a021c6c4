const shown = new WeakMap()

function build(root) {
  const figure = document.createElement("figure")
  const frame = document.createElement("div")
  frame.className = "frame"
  const right = document.createElement("img")
  const left = document.createElement("img")
  left.className = "over"
  const line = document.createElement("div")
  line.className = "line"
  const range = document.createElement("input")
  range.type = "range"
  range.min = 0
  range.max = 100
  range.value = 50
  const caption = document.createElement("figcaption")
  const before = document.createElement("span")
  const after = document.createElement("span")
  caption.append(before, after)
  frame.append(right, left, line, range)
  figure.append(frame, caption)
  root.replaceChildren(figure)
  const move = () => {
    left.style.clipPath = `inset(0 ${100 - range.value}% 0 0)`
    line.style.left = `${range.value}%`
    range.setAttribute("aria-valuetext", `${left.alt}: ${range.value} % of the width`)
  }
  range.oninput = move
  return { figure, left, right, range, before, after, move }
}

export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".root")
  if (!shown.has(root)) shown.set(root, build(root))
  const parts = shown.get(root)
  const [before, after] = data.names
  parts.figure.style.maxWidth = `${data.width}px`
  parts.left.src = data.left
  parts.left.alt = before
  parts.right.src = data.right
  parts.right.alt = after
  parts.before.textContent = `◀ ${before}`
  parts.after.textContent = `${after} ▶`
  parts.range.setAttribute("aria-label", `Divider between ${before} and ${after}`)
  parts.move()
}
