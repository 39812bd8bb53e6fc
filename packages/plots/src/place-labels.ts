/** A point with a label that goes beside it. */
export interface LabelledPoint {
  /** Px in the panel. */
  readonly x: number
  readonly y: number
  /** Px that the label's text takes. */
  readonly width: number
  readonly height: number
}

export interface PlacedLabel {
  /** Left end and middle of the text. */
  readonly x: number
  readonly y: number
  /** Whether it stands so far off that a leader has to join it to its point. */
  readonly hasLeader: boolean
}

interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/**
 * Places labels beside their points so that none covers another label, any mark, or the edge: each takes the free place
 * nearest to its point, right of it first, on rings of growing distance. Points are served in the order of how crowded they
 * are. Where a panel has no free place within 400 px the label is left out (null), and the caller names it elsewhere.
 *
 * @param obstacles points without a label that labels keep clear of
 */
export function placeLabels(
  points: readonly LabelledPoint[],
  {
    width,
    height,
    obstacles = [],
  }: {
    readonly width: number
    readonly height: number
    readonly obstacles?: readonly { readonly x: number; readonly y: number }[]
  },
): (PlacedLabel | null)[] {
  const marks = [...points, ...obstacles].map(({ x, y }) => around(x, y, markRadius))
  const placed: Box[] = []
  const result: (PlacedLabel | null)[] = points.map(() => null)
  const crowd = (point: LabelledPoint) =>
    points.filter((other) => Math.hypot(other.x - point.x, other.y - point.y) < 60).length
  const order = points.map((_, i) => i)
  order.sort(
    (a, b) => crowd(points[b] as LabelledPoint) - crowd(points[a] as LabelledPoint) || a - b,
  )
  for (const i of order) {
    const point = points[i] as LabelledPoint
    const free = [...candidates(point)].filter((place) => {
      const box = boxOf(point, place)
      const isInside = box.left >= 0 && box.right <= width && box.top >= 0 && box.bottom <= height
      return isInside && ![...placed, ...marks].some((other) => meets(box, other))
    })
    const near = (place: PlacedLabel) => {
      const end = leaderEnd(point, place)
      return Math.hypot(end.x - point.x, end.y - point.y) <= longestDetour
    }
    const place =
      free.find((each) => near(each) && !isCrossing(point, each, marks, placed)) ?? free[0]
    if (place === undefined) continue
    placed.push(boxOf(point, place))
    result[i] = place
  }
  return result
}

/** Where a leader from a point ends at its label. */
export function leaderEnd({ x, y, width }: LabelledPoint, place: PlacedLabel) {
  return {
    x: Math.min(Math.max(x, place.x), place.x + width),
    y: place.y + Math.sign(y - place.y) * 5,
  }
}

/** Whether a leader would run through a mark or a label on its way. */
function isCrossing(
  point: LabelledPoint,
  place: PlacedLabel,
  marks: readonly Box[],
  placed: readonly Box[],
): boolean {
  if (!place.hasLeader) return false
  const end = leaderEnd(point, place)
  const length = Math.hypot(end.x - point.x, end.y - point.y)
  for (let at = 2 * markRadius; at < length; at += 4) {
    const share = at / length
    const dot = around(point.x + share * (end.x - point.x), point.y + share * (end.y - point.y), 1)
    if ([...marks, ...placed].some((other) => meets(dot, other))) return true
  }
  return false
}

const markRadius = 5
const farthest = 400
/** Px of a leader that goes round lines; a nearer place with a leader across them reads better than a longer one. */
const longestDetour = 70

/** Right, left, above, below and between them, then farther off. */
function* candidates({ x, y, width, height }: LabelledPoint): Generator<PlacedLabel> {
  for (let distance = markRadius + 3; distance <= farthest; distance += 7) {
    const hasLeader = distance > markRadius + 8
    const nAngles = hasLeader ? 24 : 8
    for (let k = 0; k < nAngles; k++) {
      // 0, 1, -1, 2, -2, ...: right first, then turning away to both sides.
      const turn = (k % 2 === 0 ? 1 : -1) * Math.ceil(k / 2)
      const angle = (2 * Math.PI * turn) / nAngles
      const [dx, dy] = [Math.cos(angle), Math.sin(angle)]
      // The text's nearest edge lies at the distance, whichever side it is on.
      yield {
        x: x + dx * distance - (width * (1 - dx)) / 2,
        y: y + dy * (distance + height / 2),
        hasLeader,
      }
    }
  }
}

function boxOf({ width, height }: LabelledPoint, { x, y }: PlacedLabel): Box {
  return { left: x - 1, right: x + width + 1, top: y - height / 2, bottom: y + height / 2 }
}

function around(x: number, y: number, radius: number): Box {
  return { left: x - radius, right: x + radius, top: y - radius, bottom: y + radius }
}

function meets(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}
