export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  root.setAttribute("role", "group")
  root.setAttribute("aria-label", data.title)
  const count = data.names.length
  while (root.children.length > count) root.lastChild.remove()
  while (root.children.length < count) {
    const button = document.createElement("button")
    button.type = "button"
    root.append(button)
  }
  data.names.forEach((name, place) => {
    const button = root.children[place]
    button.title = name
    button.setAttribute("aria-label", name)
    button.setAttribute("aria-pressed", String(place === data.chosen))
    button.style.backgroundImage = `url(${data.strip})`
    button.style.backgroundSize = `${count * 100}% 100%`
    button.style.backgroundPosition = count > 1 ? `${(100 * place) / (count - 1)}% 0` : "0 0"
    button.onclick = () => setTriggerValue("picked", place)
  })
}
