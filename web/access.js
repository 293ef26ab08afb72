// Filters the rows of the matrix. The rest of the page works without it: browsers open the folded type that a link leads to.
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

filter.hidden = false;
input.addEventListener('input', apply);
