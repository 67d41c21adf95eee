/**
 * Areas: the part of the earth that a search is about, and the cells of the grid in which it lies.
 *
 * The grid is chosen so coarse that the cell of the center and its eight neighbours cover the area; neighbours that the area does
 * not reach are left out. Each cell that remains is one range of scores (see geohash.ts), and what lies in the range but not in
 * the area is dropped by its distance. The cells, and their order, which is the order of unsorted replies, are those of Redis:
 * also at the date line, where the grid wraps around and the area's bounds do not, and where it takes a coarser grid than needed.
 */
import { columnOf, interleave, latitudeAt, longitudeAt, rowOf, STEP_MAX, type Place } from './geohash';
import {
  degreesOfMeridian,
  degreesOfParallel,
  distanceOfLatitudes,
  distanceOfSquare,
  Limit,
  RADIANS_PER_DEGREE,
} from './distance';
import { cosine, sine } from './trigonometry';

/** Half of the equator's length on a Mercator map. */
const MERCATOR_MAX = 20037726.37;

/** Where the cells lie from the center's own: east, and north. In the order in which they are searched. */
const EAST = [0, 0, 0, 1, -1, 1, -1, 1, -1];
const NORTH = [0, 1, -1, 0, 0, 1, 1, -1, -1];
const CELL_COUNT = EAST.length;
const NORTH_CELL = 1;
const SOUTH_CELL = 2;
const EAST_CELL = 3;
const WEST_CELL = 4;

export class Area {
  isBox = false;
  longitude = 0;
  latitude = 0;
  /** Meters per unit of the radius or the sides. */
  unit = 1;
  radius = 0;
  width = 0;
  height = 0;
  /** Scores of the cells to search: of cell i those from `minima[i]` on, below `maxima[i]`. Only the first `count` are valid. */
  count = 0;
  readonly minima = new Float64Array(CELL_COUNT);
  readonly maxima = new Float64Array(CELL_COUNT);

  private readonly columns = new Float64Array(CELL_COUNT);
  private readonly rows = new Float64Array(CELL_COUNT);
  private readonly isNeeded = new Uint8Array(CELL_COUNT);
  private step = 0;
  private west = 0;
  private east = 0;
  private south = 0;
  private north = 0;

  /** The center's angles, its latitude's cosine, and how far a place may be from it: of a box, how far east or west. */
  private radiansEast = 0;
  private radiansNorth = 0;
  private cosineNorth = 0;
  private readonly limit = new Limit();

  setCenter({ longitude, latitude }: Place): void {
    this.longitude = longitude;
    this.latitude = latitude;
  }

  setCircle(radius: number, unit: number): void {
    this.isBox = false;
    this.radius = radius;
    this.unit = unit;
  }

  setBox(width: number, height: number, unit: number): void {
    this.isBox = true;
    this.width = width;
    this.height = height;
    this.unit = unit;
  }

  /** Finds the cells, and makes ready for `distanceOf`. */
  cover(): void {
    this.findBounds();
    this.step = this.estimateStep();
    this.placeCells();
    if (this.step > 1 && !this.isCovered()) {
      this.step--;
      this.placeCells();
    }
    this.isNeeded.fill(1);
    if (this.step >= 2) this.dropCells();
    this.findScores();
    this.radiansEast = this.longitude * RADIANS_PER_DEGREE;
    this.radiansNorth = this.latitude * RADIANS_PER_DEGREE;
    this.cosineNorth = cosine(this.radiansNorth);
    this.limit.set(this.isBox ? (this.width * this.unit) / 2 : this.radius * this.unit);
  }

  /** The distance in meters of a place from the center; -1 where the place is outside. */
  distanceOf({ longitude, latitude }: Place): number {
    return this.isBox ? this.distanceInBox(longitude, latitude) : this.distanceInCircle(longitude, latitude);
  }

  private distanceInCircle(longitude: number, latitude: number): number {
    const v = sine((longitude * RADIANS_PER_DEGREE - this.radiansEast) / 2);
    if (v === 0) {
      const distance = distanceOfLatitudes(this.latitude, latitude);
      return distance > this.radius * this.unit ? -1 : distance;
    }
    const radians = latitude * RADIANS_PER_DEGREE;
    const u = sine((radians - this.radiansNorth) / 2);
    const square = u * u + this.cosineNorth * cosine(radians) * v * v;
    return this.limit.isExceededBy(square) ? -1 : distanceOfSquare(square);
  }

  /** A place is in a box that is near enough in latitude, and on its own circle of latitude in longitude. */
  private distanceInBox(longitude: number, latitude: number): number {
    const distance = distanceOfLatitudes(this.latitude, latitude);
    if (distance > (this.height * this.unit) / 2) return -1;
    const v = sine((longitude * RADIANS_PER_DEGREE - this.radiansEast) / 2);
    if (v === 0) return distance;
    const radians = latitude * RADIANS_PER_DEGREE;
    const cosineThere = cosine(radians);
    if (this.limit.isExceededBy(cosineThere * cosineThere * v * v)) return -1;
    const u = sine((radians - this.radiansNorth) / 2);
    return distanceOfSquare(u * u + this.cosineNorth * cosineThere * v * v);
  }

  /** The degrees between which the area lies: for a circle those of the square around it. */
  private findBounds(): void {
    const { isBox, longitude, latitude, unit } = this;
    const eastward = unit * (isBox ? this.width / 2 : this.radius);
    const degreesNorth = degreesOfMeridian(unit * (isBox ? this.height / 2 : this.radius));
    // The side that is nearer to a pole spans more degrees.
    const outerLatitude = latitude < 0 ? latitude - degreesNorth : latitude + degreesNorth;
    const degreesEast = degreesOfParallel(eastward, outerLatitude);
    this.west = longitude - degreesEast;
    this.east = longitude + degreesEast;
    this.south = latitude - degreesNorth;
    this.north = latitude + degreesNorth;
  }

  /** The finest grid whose cells are as long as the area's radius, about; coarser near the poles, where they are narrow. */
  private estimateStep(): number {
    const { isBox, width, height, unit, latitude } = this;
    const radius = isBox ? Math.sqrt((width / 2) * (width / 2) + (height / 2) * (height / 2)) : this.radius;
    if (radius * unit === 0) return STEP_MAX;
    let step = -1;
    for (let meters = radius * unit; meters < MERCATOR_MAX; meters *= 2) step++;
    if (Math.abs(latitude) > 66) step--;
    if (Math.abs(latitude) > 80) step--;
    return Math.max(1, Math.min(STEP_MAX, step));
  }

  /** The cell of the center and those around it, in a grid that wraps around. */
  private placeCells(): void {
    const { columns, rows, step } = this;
    const column = columnOf(this.longitude, step);
    const row = rowOf(this.latitude, step);
    const last = 2 ** step - 1;
    for (let i = 0; i < CELL_COUNT; i++) {
      columns[i] = EAST[i] === 0 ? column : (column + EAST[i]) & last;
      rows[i] = NORTH[i] === 0 ? row : (row + NORTH[i]) & last;
    }
  }

  /** Whether the cells reach as far as the area. */
  private isCovered(): boolean {
    const { columns, rows, step } = this;
    return !(
      latitudeAt(rows[NORTH_CELL] + 1, step) < this.north ||
      latitudeAt(rows[SOUTH_CELL], step) > this.south ||
      longitudeAt(columns[EAST_CELL] + 1, step) < this.east ||
      longitudeAt(columns[WEST_CELL], step) > this.west
    );
  }

  /** Drops the cells on the sides where the area ends within the center's own. */
  private dropCells(): void {
    const { columns, rows, step, isNeeded } = this;
    const northward = latitudeAt(rows[0] + 1, step) > this.north ? 1 : 0;
    const southward = latitudeAt(rows[0], step) < this.south ? -1 : 0;
    const eastward = longitudeAt(columns[0] + 1, step) > this.east ? 1 : 0;
    const westward = longitudeAt(columns[0], step) < this.west ? -1 : 0;
    for (let i = 1; i < CELL_COUNT; i++) {
      const isDroppedNorth = NORTH[i] !== 0 && (NORTH[i] === northward || NORTH[i] === southward);
      const isDroppedEast = EAST[i] !== 0 && (EAST[i] === eastward || EAST[i] === westward);
      if (isDroppedNorth || isDroppedEast) isNeeded[i] = 0;
    }
  }

  private findScores(): void {
    const { columns, rows, step, isNeeded, minima, maxima } = this;
    const scale = 4 ** (STEP_MAX - step);
    this.count = 0;
    let last = 0;
    for (let i = 0; i < CELL_COUNT; i++) {
      if (isNeeded[i] === 0) continue;
      // In a coarse grid the neighbours on two sides are the same cell.
      if (last !== 0 && columns[i] === columns[last] && rows[i] === rows[last]) continue;
      minima[this.count] = interleave(rows[i], columns[i], 0) * scale;
      maxima[this.count++] = interleave(rows[i], columns[i], 1) * scale;
      last = i;
    }
  }
}
