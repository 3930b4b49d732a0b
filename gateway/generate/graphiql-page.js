/* global document, Headers, localStorage, matchMedia, sessionStorage, YogaGraphiQL */
// What the page does around GraphiQL, in the browser: one Authorization for all tabs, and what GraphiQL itself gets wrong.

const field = document.getElementById('authorization');
const STORED = 'authorization';

/** For this session of the browser's tab, and no longer. */
const keep = (value) => {
  field.value = value;
  if (value === '') sessionStorage.removeItem(STORED);
  else sessionStorage.setItem(STORED, value);
};
field.value = sessionStorage.getItem(STORED) ?? '';
field.addEventListener('input', () => keep(field.value.trim()));

/** A token alone is meant as one. */
const credentials = () => (field.value === '' || field.value.includes(' ') ? field.value : `Bearer ${field.value}`);

/** What logs in fills the field; what logs out empties it. */
const learn = ({ data }) => {
  const results = Object.values(data ?? {});
  const { token } = results.findLast((result) => typeof result?.token === 'string') ?? {};
  if (token !== undefined) keep(`Bearer ${token}`);
  else if (data?.logout === true) keep('');
};

const send = globalThis.fetch;
globalThis.fetch = async (input, init = {}) => {
  const headers = new Headers(init.headers);
  if (credentials() !== '' && !headers.has('Authorization')) headers.set('Authorization', credentials());
  const response = await send(input, { ...init, headers });
  if (/json/.test(response.headers.get('Content-Type') ?? '')) {
    response
      .clone()
      .json()
      .then(learn, () => undefined); // GraphiQL shows what is no JSON
  }
  return response;
};

/** At a reload GraphiQL looks for a tab with what was last typed, and opens an empty one where nothing ever was. */
const resume = () => {
  const { tabs = [], activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{}');
  const active = tabs[activeTabIndex];
  if (active === undefined) return;
  for (const name of ['query', 'variables', 'headers']) localStorage.setItem(`graphiql:${name}`, active[name] ?? '');
};
try {
  resume();
} catch {
  localStorage.removeItem('graphiql:tabState'); // not what GraphiQL writes
}

/** GraphiQL's colours follow the system at once, its editors only at a reload. */
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', ({ matches }) => {
  const isChosen = ['graphiql-light', 'graphiql-dark'].some((name) => document.body.classList.contains(name));
  if (!isChosen) globalThis.__MONACO?.editor.setTheme(matches ? 'graphiql-DARK' : 'graphiql-LIGHT');
});

YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
  ...JSON.parse(document.getElementById('options').textContent),
  // By default each edit goes into the page's address, passwords and all.
  onEditQuery: () => {},
});
