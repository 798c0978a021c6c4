const MAX_SIDE = 1024

async function reduced(file) {
  const picture = await createImageBitmap(file)
  const factor = Math.min(1, MAX_SIDE / Math.max(picture.width, picture.height))
  const canvas = document.createElement("canvas")
  canvas.width = Math.max(1, Math.round(factor * picture.width))
  canvas.height = Math.max(1, Math.round(factor * picture.height))
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height)
  return canvas.toDataURL("image/png")
}

export default function ({ setTriggerValue }) {
  async function take(event) {
    const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"))
    if (!file) return
    event.preventDefault()
    setTriggerValue("pasted", await reduced(file))
  }
  document.addEventListener("paste", take)
  return () => document.removeEventListener("paste", take)
}
