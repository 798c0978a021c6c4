const MOVES = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }
const NEEDS_KEYS = "input, select, textarea, [contenteditable], [role=slider], [role=combobox]"
const ON_TOP = "[role=listbox], [role=dialog], [role=menu]"

// Whether the control in focus, or a list that hangs open, has a use for the key itself.
function isTaken(event) {
  const focused = event.composedPath()[0]
  return (
    event.defaultPrevented ||
    (focused instanceof Element && focused.matches(NEEDS_KEYS)) ||
    document.querySelector(ON_TOP) !== null
  )
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  root.setAttribute("role", "status")
  if (root.textContent !== data.text) root.textContent = data.text
  let step = data.step // keys may come faster than the page answers
  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || isTaken(event)) return
    if (event.key === "Escape") setTriggerValue("left", true)
    if (!(event.key in MOVES)) return
    event.preventDefault()
    const wanted = Math.min(Math.max(step + MOVES[event.key], 1), data.steps)
    if (wanted === step) return
    step = wanted
    setTriggerValue("step", step)
  }
  document.addEventListener("keydown", press)
  return () => document.removeEventListener("keydown", press)
}
