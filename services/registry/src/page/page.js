/** The page without this can be read; with it, it is up to date, and instances are taken out of service and put back. */
const message = document.querySelector('#message');

async function change(button) {
  button.disabled = true;
  const { method, path } = button.dataset;
  try {
    const response = await fetch(path, { method, signal: AbortSignal.timeout(5000) });
    if (response.status === 401 || response.status === 403) {
      message.textContent = 'Only the user "operator" of the registry may do this.';
      button.disabled = false;
      return;
    }
    if (!response.ok) throw new Error(`status ${response.status}`);
    location.reload();
  } catch {
    message.textContent = 'That did not work. The instance may have left; please reload the page.';
    button.disabled = false;
  }
}

for (const button of document.querySelectorAll('button[data-path]')) {
  button.hidden = false;
  button.addEventListener('click', () => change(button));
}

const stream = new EventSource('/eureka/stream');
let reload;
stream.addEventListener('change', () => {
  clearTimeout(reload);
  reload = setTimeout(() => location.reload(), 500);
});
