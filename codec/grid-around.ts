/** What was coded around a value of a grid [rows, columns, channels], for contexts: values of the same channel, 0 where there are none. */
export class Around {
  left = 0;
  above = 0;
  leftAbove = 0;
  rightAbove = 0;
  readonly #values: ArrayLike<number>;
  readonly #columns: number;
  readonly #channels: number;

  constructor(values: ArrayLike<number>, columns: number, channels: number) {
    this.#values = values;
    this.#columns = columns;
    this.#channels = channels;
  }

  /** Of value `i`. */
  at(i: number): void {
    const values = this.#values;
    const channels = this.#channels;
    const inRow = this.#columns * channels;
    const column = i % inRow;
    const up = i - inRow;
    const inner = column >= channels;
    this.left = inner ? values[i - channels]! : 0;
    this.above = up >= 0 ? values[up]! : 0;
    this.leftAbove = up >= 0 && inner ? values[up - channels]! : 0;
    this.rightAbove = up >= 0 && column + channels < inRow ? values[up + channels]! : 0;
  }
}
