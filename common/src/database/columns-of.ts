import type { Columns } from './json-rows.js';

const inSnakeCase = (field: string): string => field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * The columns of a table, by field: all fields of its Prisma model but `others`. It compiles where the rest of them are those
 * of a Row, and names each that only one of both has. With `table`, for statements that read others beside it.
 *
 *     columnsOf<Payment>()(Prisma.PaymentScalarFieldEnum, { others: ['nextCheckAt'] })
 */
export const columnsOf =
  <Row>() =>
  <Field extends string, Other extends Exclude<Field, keyof Row> = never>(
    fields: Readonly<Record<Field, string>> &
      Readonly<Record<keyof Row, string>> &
      Readonly<Record<Exclude<Field, keyof Row | Other>, 'neither a field of the row nor one of the others'>>,
    { others = [], table }: { others?: readonly Other[]; table?: string } = {},
  ): Columns =>
    Object.fromEntries(
      Object.keys(fields)
        .filter((field) => !others.some((other) => other === field))
        .map((field) => [field, `${table === undefined ? '' : `${table}.`}${inSnakeCase(field)}`]),
    );
