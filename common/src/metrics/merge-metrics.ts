/** A metric's HELP and TYPE, and its samples below. */
const BLOCK = /^(# HELP [^\n]*\n# TYPE [^\n]*)\n?(.*)$/s;

/** One text of those of several processes: each metric once, with the samples of all, which differ by a label. */
export function mergeMetrics(texts: readonly string[]): string {
  const samples = new Map<string, string[]>();
  for (const block of texts.flatMap((text) => text.trimEnd().split('\n\n'))) {
    const [, head, lines = ''] = BLOCK.exec(block) ?? [];
    if (head === undefined) continue;
    const known = samples.get(head) ?? [];
    if (lines !== '') known.push(lines);
    samples.set(head, known);
  }
  return Array.from(samples, ([head, lines]) => `${[head, ...lines].join('\n')}\n`).join('\n');
}
