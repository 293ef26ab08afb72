// Copies codes, and keeps the list of mails up to date.
const refreshTime = 2000; // ms

function showCopyButtons() {
  document.querySelectorAll('.copy').forEach((button) => {
    button.hidden = false;
  });
}

document.addEventListener('click', async ({ target }) => {
  if (target.matches('.copy')) {
    target.textContent = await navigator.clipboard.writeText(target.dataset.code).then(
      () => 'Copied',
      () => 'Copy it by hand', // the browser allows it only on secure pages
    );
  }
});

// refresh replaces the list only if it has changed, so that focus and selection stay otherwise.
let shown = document.querySelector('[data-refresh]')?.innerHTML;
async function refresh() {
  const response = await fetch(location.href);
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const fresh = page.querySelector('[data-refresh]')?.innerHTML;
  if (response.ok && fresh !== shown) {
    shown = fresh;
    document.querySelector('[data-refresh]').innerHTML = fresh;
    showCopyButtons();
  }
}

showCopyButtons();
if (shown !== undefined) {
  setInterval(() => document.hidden || refresh().catch(() => {}), refreshTime); // the service may be restarting
}
