/** Shows /openapi.json; everything it needs is in it, so it works without a network. */
export const DOCS_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>ohmygpu API</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
  input { width: 100%; box-sizing: border-box; padding: .5rem; font: inherit }
  h2 { margin: 2rem 0 .5rem }
  h3 { font-size: 1rem; margin: 1rem 0 .25rem }
  details p { margin: .25rem 0 }
  details { border-top: 1px solid #8884; padding: .35rem 0 }
  summary { cursor: pointer }
  code, pre { font: 13px/1.5 ui-monospace, monospace }
  pre { overflow: auto; padding: .75rem; background: #8881; border-radius: .4rem }
  .method { display: inline-block; width: 4.5rem; font-weight: 600 }
  .about { opacity: .7; margin-left: .75rem }
</style>
<h1>ohmygpu API</h1>
<p id="about"></p>
<input id="filter" type="search" placeholder="Filter paths" aria-label="Filter paths" autofocus>
<main id="list"></main>
<script type="module">
  const make = (tag, text, className) => Object.assign(document.createElement(tag), { textContent: text ?? '', className: className ?? '' });
  const list = document.getElementById('list');
  const filter = document.getElementById('filter');
  const reply = await fetch('openapi.json');
  const about = document.getElementById('about');
  if (!reply.ok) about.textContent = 'The description could not be read: ' + reply.status;
  else {
    const api = await reply.json();
    about.textContent = api.info.description + ' Version ' + api.info.version + '.';
    for (const { name } of api.tags) {
      const section = make('section');
      section.append(make('h2', name));
      for (const [path, methods] of Object.entries(api.paths)) for (const [method, operation] of Object.entries(methods)) {
        if (!operation.tags.includes(name)) continue;
        const entry = make('details');
        entry.dataset.text = (method + ' ' + path + ' ' + (operation.summary ?? '')).toLowerCase();
        const head = make('summary');
        head.append(make('code', method.toUpperCase(), 'method'), make('code', path), make('span', operation.summary, 'about'));
        entry.append(head);
        const body = operation.requestBody?.content['application/json'].schema;
        const curl = operation['x-codeSamples'][0].source.replace(/http:[/]+127.0.0.1:10692/, location.origin);
        entry.append(make('pre', curl));
        for (const { name, in: where, description } of operation.parameters ?? []) {
          const row = make('p');
          row.append(make('code', name), ' (' + where + ') ' + (description ?? ''));
          entry.append(row);
        }
        if (body !== undefined) entry.append(make('h3', 'Body'), make('pre', JSON.stringify(body, null, 2)));
        entry.append(make('h3', 'Answers'));
        for (const [status, { description }] of Object.entries(operation.responses)) {
          const row = make('p');
          row.append(make('code', status), ' ' + description);
          entry.append(row);
        }
        section.append(entry);
      }
      if (section.children.length > 1) list.append(section);
    }
    filter.addEventListener('input', () => {
      for (const entry of list.querySelectorAll('details')) entry.hidden = !entry.dataset.text.includes(filter.value.trim().toLowerCase());
    });
  }
</script>
</html>
`;
