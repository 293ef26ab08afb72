import { useEffect } from 'react';
import { useEditorContext, useExecutionContext } from '@graphiql/react';
import { starterTabs } from './tabs.js';

const nameOf = (query) => query.match(/^(?:query|mutation) (\w+)/m)[1];
const steps = starterTabs.map(({ query, says }) => ({ name: nameOf(query), says }));

// Story leads through the starter tabs: it says what the open one shows, runs it, and opens the next one.
export function Story() {
  const { tabs, activeTabIndex, changeTab } = useEditorContext();
  const { run, stop, isFetching } = useExecutionContext();
  const at = steps.findIndex(({ name }) => name === tabs[activeTabIndex].title);

  useEffect(() => {
    document.querySelector('.graphiql-tab-active')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [activeTabIndex]);

  // open opens the tab of the nearest step in a direction. You may have closed some.
  const tabOf = (step) => tabs.findIndex(({ title }) => title === step?.name);
  const nearest = (candidates) => candidates.map(tabOf).find((index) => index >= 0) ?? -1;
  const open = (index) => {
    stop();
    changeTab(index);
  };
  const play = () => {
    run();
    document.querySelector('.result-window')?.scrollIntoView({ block: 'nearest' }); // on a phone, it is further down
  };
  const earlier = nearest(steps.slice(0, Math.max(at, 0)).reverse());
  const later = nearest(steps.slice(at + 1));

  return (
    <section className="story" aria-label="Story">
      <p>
        {at < 0 ? (
          'This tab is your own. The story continues in the others.'
        ) : (
          <>
            <strong>
              Step {at + 1} of {steps.length}.
            </strong>{' '}
            {steps[at].says}
          </>
        )}
      </p>
      <span>
        <Step name="Back" to={earlier} open={open} />
        <button type="button" className="own-button" onClick={play} disabled={isFetching}>
          Run
        </button>
        <Step name="Next" to={later} open={open} />
      </span>
    </section>
  );
}

function Step({ name, to, open }) {
  return (
    <button type="button" className="own-button" onClick={() => open(to)} disabled={to < 0}>
      {name}
    </button>
  );
}
