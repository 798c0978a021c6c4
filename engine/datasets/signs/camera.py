"""Simulated photographs of signs: one track of frames per sign, as a car approaches it."""

from __future__ import annotations

import cv2
import numpy as np

from engine.datasets.signs.scenery import scenery

FINER = 2  # oversampling factor: signs are drawn larger, then averaged for smooth edges


def photograph_track(
    face: np.ndarray, size: int, frames: int, rng: np.random.Generator
) -> np.ndarray:
    """Photograph one sign from an approaching car.

    Args:
        face: uint8 [f, f, 4], RGB premultiplied by opacity, and opacity.
        size: side of the photographs in pixels.
        frames: number of photographs.
        rng: decides pose, scene, light and camera.

    Returns:
        uint8 [frames, size, size, 3].
    """
    poses = _sample_poses(frames, rng)
    sign = _project_face(face, poses, size)
    behind = _render_background(poses, size, rng)
    opacity = sign[..., 3:] / np.float32(255)
    sign_light, scene_light = _sample_light(rng)
    pictures = _fade_colours(sign[..., :3], opacity, rng) * sign_light * _sample_shading(size, rng)
    pictures += behind * scene_light * (1 - opacity)
    pictures += _sample_haze(rng)
    return _record(np.clip(pictures, 0, 255), poses["pixels"], rng)


def _sample_poses(frames: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw the pose of the sign in each frame.

    Returns:
        matrix: float64 [frames, 3, 3], homography from face to image, both in -1..1.
        pixels: float64 [frames], side of the crop in camera pixels, before it is scaled.
    """
    pixels = rng.uniform(14, 30) * np.geomspace(1, rng.uniform(1.2, 5), frames)
    scale = rng.normal(0.79, 0.03) + rng.normal(0, 0.025, frames)
    angle = np.radians(rng.normal(0, 5) + rng.normal(0, 0.8, frames))
    x, y = rng.normal(0, 0.03, (2, 1)) + rng.normal(0, 0.03, (2, frames))
    aside, tilt = rng.normal(0, 0.08, (2, 1)) + rng.normal(0, 0.02, (2, frames))
    narrow = 1 - np.abs(rng.normal(0, 0.06))
    matrix = np.zeros((frames, 3, 3))
    matrix[:, 0, 0], matrix[:, 0, 1] = scale * narrow * np.cos(angle), -scale * np.sin(angle)
    matrix[:, 1, 0], matrix[:, 1, 1] = scale * narrow * np.sin(angle), scale * np.cos(angle)
    matrix[:, 0, 2], matrix[:, 1, 2] = x, y
    matrix[:, 2, 0], matrix[:, 2, 1], matrix[:, 2, 2] = aside, tilt, 1
    return {"matrix": matrix, "pixels": pixels}


def _to_pixels(side: int) -> np.ndarray:
    """Matrix from coordinates in -1..1 to pixels: float64 [3, 3]."""
    half = side / 2
    return np.array([[half, 0, half - 0.5], [0, half, half - 0.5], [0, 0, 1]])


def _project_face(face: np.ndarray, poses: dict[str, np.ndarray], size: int) -> np.ndarray:
    """The sign alone in each frame: float32 [frames, size, size, 4]."""
    side = FINER * size
    through = _to_pixels(side) @ poses["matrix"] @ np.linalg.inv(_to_pixels(len(face)))
    seen = np.empty((len(through), size, size, 4), np.float32)
    for frame, matrix in enumerate(through):
        warped = cv2.warpPerspective(face, matrix, (side, side), flags=cv2.INTER_LINEAR)
        seen[frame] = cv2.resize(warped, (size, size), interpolation=cv2.INTER_AREA)
    return seen


def _render_background(
    poses: dict[str, np.ndarray], size: int, rng: np.random.Generator
) -> np.ndarray:
    """The scene behind the sign in each frame: float32 [frames, size, size, 3]."""
    wide = scenery(2 * size, rng)
    drift = np.cumsum(rng.normal(0, 0.06 * size, (len(poses["pixels"]), 2)), axis=0)
    zoom = np.geomspace(1, rng.uniform(0.7, 1.3), len(drift))
    behind = np.empty((len(drift), size, size, 3), np.float32)
    for frame, (move, factor) in enumerate(zip(drift, zoom, strict=True)):
        matrix = np.array([[factor, 0, size / 2], [0, factor, size / 2]])
        matrix[:, 2] += move + (1 - factor) * size / 2
        behind[frame] = cv2.warpAffine(
            wide,
            matrix,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
    return behind


def _sample_light(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Factors for the colours of sign and scene: float32 [3] each.

    The camera is exposed for the scene; the sign may stand in the sun or against the sky.
    """
    warm = rng.normal(0, 0.06)
    colour = np.array([1 + warm, 1.0, 1 - warm]) * (1 + rng.normal(0, 0.04, 3))
    sign = np.exp(rng.normal(-0.55, 0.75))
    scene = sign * np.exp(rng.normal(-0.1, 0.7))
    return (sign * colour).astype(np.float32), (scene * colour).astype(np.float32)


def _fade_colours(sign: np.ndarray, opacity: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fade the sign's colours, as years outdoors do: float32, same shape as `sign`."""
    grey = sign.mean(-1, keepdims=True)
    colourful, wear = rng.uniform(0.55, 1.2), rng.exponential(0.07)
    dust = np.float32(rng.normal(120, 25) * wear) * opacity
    faded = grey + colourful * (sign - grey)
    # Old or fluorescent red turns orange.
    orange = rng.uniform(0, 0.45) if rng.random() < 0.4 else 0.0
    faded[..., 1] += orange * np.maximum(sign[..., 0] - sign[..., 1], 0)
    worn: np.ndarray = faded * np.float32(1 - wear) + dust
    return worn


def _sample_shading(size: int, rng: np.random.Generator) -> np.ndarray:
    """Uneven illumination, as factors: float32 [size, size, 1], around 1."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    shade = 1 + rng.normal(0, 0.15) * along
    if rng.random() < 0.25:
        edge = rng.uniform(2, 20) * (along - rng.uniform(-0.5, 0.5))
        shade *= 1 - rng.uniform(0.2, 0.6) / (1 + np.exp(-edge))
    return shade[..., None].astype(np.float32)


def _sample_haze(rng: np.random.Generator) -> np.ndarray:
    """Light scattered by haze and lens: float32 [3], grey levels."""
    veil = rng.exponential(8) * np.array([1, 1.02, 1.08]) + rng.uniform(0, 8)
    return veil.astype(np.float32)


def _record(pictures: np.ndarray, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Apply blur, camera resolution, noise and compression: uint8, same shape as `pictures`."""
    frames, size = pictures.shape[:2]
    blur = np.abs(rng.normal(0, 0.36)) + np.abs(rng.normal(0, 0.22, frames))
    motion = _motion_kernel(rng) if rng.random() < 0.3 else None
    fringe = rng.normal(0, 0.25, (2, 2))
    noise = rng.exponential(3) * rng.standard_normal(pictures.shape, np.float32)
    quality = rng.integers(55, 98) if rng.random() < 0.5 else None
    recorded = np.empty(pictures.shape, np.uint8)
    for frame, picture in enumerate(pictures):
        seen = picture if motion is None else cv2.filter2D(picture, -1, motion)
        seen = _add_colour_fringes(seen, fringe)
        own = round(pixels[frame])
        sigma = blur[frame] * size / 32
        if sigma > 0.25:
            seen = cv2.GaussianBlur(seen, (0, 0), sigma)
        if own < size:
            seen = cv2.resize(seen, (own, own), interpolation=cv2.INTER_AREA)
            seen = seen + noise[frame, :own, :own]
            seen = cv2.resize(seen, (size, size), interpolation=cv2.INTER_LINEAR)
        else:
            seen = seen + noise[frame] * np.float32(size / own)
        image = np.clip(seen, 0, 255).astype(np.uint8)
        recorded[frame] = image if quality is None else _compress_as_jpeg(image, int(quality))
    return recorded


def _motion_kernel(rng: np.random.Generator) -> np.ndarray:
    """Motion blur along a line: float32 [5, 5], sums to 1."""
    kernel = np.zeros((5, 5), np.float32)
    angle, reach = rng.uniform(0, np.pi), rng.uniform(0.7, 2)
    step = reach * np.array([np.cos(angle), np.sin(angle)])
    for share in np.linspace(-1, 1, 9):
        x, y = np.round(2 + share * step).astype(int)
        kernel[y, x] += 1
    return kernel / kernel.sum()


def _add_colour_fringes(picture: np.ndarray, fringe: np.ndarray) -> np.ndarray:
    """Shift red and blue slightly against green, as a simple lens does: same shape."""
    fringed = picture.copy()
    for channel, (x, y) in zip((0, 2), fringe, strict=True):
        matrix = np.array([[1, 0, x], [0, 1, y]])
        fringed[..., channel] = cv2.warpAffine(
            np.ascontiguousarray(picture[..., channel]),
            matrix,
            picture.shape[1::-1],
            borderMode=cv2.BORDER_REPLICATE,
        )
    return fringed


def _compress_as_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Compress as JPEG and decode again: uint8, same shape."""
    coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
