const MOVES = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }
const NEEDS_KEYS =
  "input, select, textarea, [contenteditable], [role=slider], [role=combobox], [role=radio]"
const ON_TOP = "[role=listbox], [role=dialog], [role=menu]"

// Whether the control in focus, or a list that hangs open, has a use for the key itself. In the
// row of steps the keys do the same as everywhere else.
function isTaken(event, row) {
  if (document.querySelector(ON_TOP)) return true
  const focused = event.composedPath()[0]
  if (!(focused instanceof Element) || focused.closest(`.st-key-${row}`)) return false
  return focused.matches(NEEDS_KEYS)
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  root.setAttribute("role", "status")
  if (root.textContent !== data.text) root.textContent = data.text
  let step = data.step // keys may come faster than the page answers
  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || isTaken(event, data.row)) return
    if (event.key === "Escape") document.querySelector(`.st-key-${data.leave} a`)?.click()
    if (!(event.key in MOVES)) return
    event.preventDefault()
    event.stopPropagation()
    const wanted = Math.min(Math.max(step + MOVES[event.key], 1), data.steps)
    if (wanted === step) return
    step = wanted
    setTriggerValue("step", step)
  }
  document.addEventListener("keydown", press, true)
  return () => document.removeEventListener("keydown", press, true)
}
