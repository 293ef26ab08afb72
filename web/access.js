// Filters the rows of the matrix, and opens the folded type that a link leads to. The page is complete without it.
const filter = document.querySelector('.filter');
const input = filter.querySelector('input');
const types = [...document.querySelectorAll('.type')].map((section) => ({
  section,
  folded: section.matches('details'),
  rows: [...section.querySelectorAll('tbody tr')].map((row) => ({
    row,
    text: `${row.id} ${row.querySelector('.rule').textContent}`.toLowerCase(),
  })),
}));

function apply() {
  const wanted = input.value.trim().toLowerCase();
  let count = 0;
  for (const { section, folded, rows } of types) {
    let matches = 0;
    for (const { row, text } of rows) {
      row.hidden = !text.includes(wanted);
      matches += row.hidden ? 0 : 1;
    }
    section.hidden = matches === 0;
    if (folded) {
      section.open = wanted !== '' && matches > 0;
    }
    count += matches;
  }
  filter.querySelector('[role=status]').textContent = wanted && `${count} ${count === 1 ? 'field' : 'fields'}`;
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = target?.closest('details');
  if (fold && !fold.open) {
    fold.open = true;
    target.scrollIntoView();
  }
}

filter.hidden = false;
input.addEventListener('input', apply);
addEventListener('hashchange', openTarget);
openTarget();
