/** Creates and uses passkeys on the pages of identity. The page has the options, and a form takes the response. */
(() => {
  const isSupported =
    typeof PublicKeyCredential === 'function' &&
    typeof PublicKeyCredential.parseCreationOptionsFromJSON === 'function' &&
    typeof PublicKeyCredential.parseRequestOptionsFromJSON === 'function';
  if (!isSupported) return;

  /** Runs the ceremony of a form: `create` or `get`. */
  async function run(form, options) {
    if (form.dataset.passkey === 'create') {
      return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
    }
    return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  }

  for (const form of document.querySelectorAll('form[data-passkey]')) {
    const button = form.querySelector('button');
    const fault = form.querySelector('[role=alert]');
    form.hidden = false;
    button.addEventListener('click', async (event) => {
      event.preventDefault();
      button.disabled = true;
      fault.hidden = true;
      try {
        const credential = await run(form, JSON.parse(form.dataset.options));
        form.elements.namedItem('response').value = JSON.stringify(credential.toJSON());
        form.submit();
      } catch {
        // The person cancelled, the time is over, or the browser refused. The page shows it, and offers another attempt.
        fault.hidden = false;
        button.disabled = false;
      }
    });
  }
})();
