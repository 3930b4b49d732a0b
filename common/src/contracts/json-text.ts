/** A value as JSON that somebody else has written, such as the database: answers pass it through. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/** A resource as answers show it, in its present version. */
export interface ResourceView {
  readonly json: JsonText;
  readonly version: number;
}
