import { moneyText, movedText } from '../discrepancies/money-text.js';
import type { Comparison } from './ledger-comparison.js';
import type { Finding, OurEntry, TheirEntry } from './ledger.js';
import type { UnconfirmedOrder } from './ledger.repository.js';
import type { OrderDifference } from './orders-comparison.js';

const WIDTHS = [14, 7, 37, 34];

const line = (...cells: readonly string[]): string =>
  cells
    .map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0))
    .join(' ')
    .trimEnd();

export const heading = line('DIFFERENCE', 'KIND', 'ID', 'OUR BOOKS', 'PROVIDER');

const showOurs = (entry: OurEntry | undefined): string =>
  entry ? `${moneyText(entry, entry.currencyDecimals)} ${entry.status}` : '-';

function showTheirs(entry: TheirEntry | undefined, ours: OurEntry | undefined): string {
  if (entry === undefined) return '-';
  const { verdict } = entry;
  const detail = verdict.outcome === 'succeeded' ? verdict.transactionId : verdict.reason;
  return `${movedText(entry, ours)} ${verdict.outcome} (${detail})`;
}

/** A difference as one line of the table. */
export const findingLine = ({ difference, kind, key, ours, theirs }: Finding): string =>
  line(
    difference,
    kind,
    key,
    difference === 'transaction' ? `${showOurs(ours)} (${ours?.transactionId ?? '-'})` : showOurs(ours),
    showTheirs(theirs, ours),
  );

/** A paid order that isn't confirmed, as one line of the table. */
export const unconfirmedLine = ({ orderId, paymentStatus, ...entry }: UnconfirmedOrder): string =>
  line(
    'not confirmed',
    'order',
    orderId,
    `${moneyText(entry, entry.currencyDecimals)} ${paymentStatus}`,
    'order pending',
  );

/** An order that order-service describes differently, as one line of the table. */
export const orderLine = ({ orderId, ours, theirs }: OrderDifference): string =>
  line('order', 'order', orderId, ours ?? '-', theirs);

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

export function summary({ compared, differences, open }: Comparison): string {
  const what = `${counted(compared.charge, 'charge')} and ${counted(compared.refund, 'refund')} compared`;
  const stillOpen = open > 0 ? `, ${open} still being settled` : '';
  const verdict = differences > 0 ? counted(differences, 'difference') : 'no difference';
  return `${what}: ${verdict}${stillOpen}`;
}

export const ordersSummary = (compared: number, differences: number): string =>
  `${counted(compared, 'order')} compared: ${differences > 0 ? counted(differences, 'difference') : 'no difference'}`;
