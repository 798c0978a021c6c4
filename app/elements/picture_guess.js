function create() {
  const button = document.createElement("button")
  button.type = "button"
  const picture = document.createElement("img")
  picture.alt = ""
  button.append(picture, document.createElement("span"))
  return button
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  root.setAttribute("role", "group")
  root.setAttribute("aria-label", data.title)
  const count = data.names.length
  while (root.children.length > count) root.lastChild.remove()
  while (root.children.length < count) root.append(create())
  data.names.forEach((name, place) => {
    const button = root.children[place]
    const [picture, label] = button.children
    if (picture.getAttribute("src") !== data.pictures[place]) picture.src = data.pictures[place]
    label.textContent = name
    button.setAttribute("aria-pressed", String(place === data.chosen))
    button.style.setProperty("--frame", data.colours[place] || "var(--st-border-color)")
    button.onclick = () => setTriggerValue("picked", place)
  })
}
