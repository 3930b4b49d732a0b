// Numbers and tables as the report shows them.

/** The first row is the heading, the first column is text. */
export const markdownTable = ([heading = [], ...rows]: string[][]): string =>
  [heading, heading.map((_, i) => (i === 0 ? '---' : '--:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

export const whole = (value: number): string => value.toFixed(0);
export const percent = (part: number): string => `${whole(100 * part)} %`;
export const megabytes = (bytes = NaN): string => whole(bytes / 2 ** 20);
