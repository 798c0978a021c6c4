// Streamlit adds an entry to the browser's history whenever the server changes the address. Then
// Back would take one setting back at a time. Here a page has one entry, with its latest address.
export default function () {
  const { history, location } = window
  if (history.oneEntryPerPage) return
  history.oneEntryPerPage = true
  const push = history.pushState.bind(history)
  let leaving = false
  history.pushState = (state, title, address) => {
    const samePage = new URL(address, location.href).pathname === location.pathname
    if (!samePage) {
      leaving = false
      push(state, title, address)
    } else if (!leaving) history.replaceState(state, title, address)
  }
  // Until the next page has its own entry, its settings must not end up in that of the last one.
  document.addEventListener(
    "click",
    (event) => {
      const link = event.composedPath().find((part) => part.tagName === "A" && part.href)
      if (!link || link.target === "_blank") return
      const to = new URL(link.href, location.href)
      leaving = to.origin === location.origin && to.pathname !== location.pathname
    },
    true,
  )
  window.addEventListener("popstate", () => (leaving = false))
}
