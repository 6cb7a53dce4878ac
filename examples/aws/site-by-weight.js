// A CloudFront Function (runtime cloudfront-js-2.0) for a static site whose releases lie below /releases/NAME, and whose key value
// store says who gets which. Associate the store with it, and it with *both* viewer requests and viewer responses.
//
//   release = 1.4.1              everybody gets 1.4.1
//   release = 1.4.1|1.4.2|25     a quarter of the viewers get 1.4.2, the others 1.4.1
//
// Each viewer is in one of 10,000 buckets: the one of the cookie, or before there is one the one of address and browser, which the
// first page then puts into the cookie. Who is below the weight gets the newer release. So a viewer keeps the release while its
// share grows, and all of them leave it at once where the weight goes back to nothing.
//
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
import cf from 'cloudfront';

const KEY = 'release', COOKIE = 'rollbackd-bucket', BUCKETS = 10000;
const MARK = 'x-rollbackd-site';  // by it rollbackd sees that this function is there before it writes two names
const KEPT = 'Path=/; Max-Age=2592000; Secure; SameSite=Lax';
const store = cf.kvs();

function number(told) {
  const value = told ? told.value : '';
  return /^[0-9]{1,4}$/.test(value) ? Number(value) : -1;
}

// Both events come to the same, and nothing has to be handed from one to the other.
function drawn(event) {
  const told = event.request.headers['user-agent'];
  const agent = told ? told.value : '';
  if (agent.indexOf('rollbackd/') === 0) return 0;  // its probes look at the newer release, whatever its share, and at its files
  const viewer = (event.viewer.ip + ' ' + agent).slice(0, 256);  // whoever sends more shall not use up what a function may compute
  let sum = 5381;
  for (let place = 0; place < viewer.length; place++) {
    sum = (sum * 33 + viewer.charCodeAt(place)) % 2147483647;
  }
  return sum % BUCKETS;
}

function bucketOf(event) {
  const asked = number(event.request.querystring[COOKIE]);  // whoever wants to see what a bucket gets: rollbackd does
  if (asked >= 0) return asked;
  const kept = number(event.request.cookies[COOKIE]);
  return kept >= 0 ? kept : drawn(event);
}

function picked(value, bucket) {
  const shared = value.split('|');
  if (shared.length !== 3) return value;
  return bucket < Math.round(Number(shared[2]) * BUCKETS / 100) ? shared[1] : shared[0];
}

function remembered(event) {
  const response = event.response, type = response.headers['content-type'];
  if (!type || type.value.indexOf('text/html') !== 0) return response;
  response.headers[MARK] = { value: 'by-weight' };
  if (number(event.request.cookies[COOKIE]) >= 0) return response;
  response.cookies = response.cookies || {};
  response.cookies[COOKIE] = { value: String(drawn(event)), attributes: KEPT };
  return response;
}

async function handler(event) {
  if (event.context.eventType === 'viewer-response') return remembered(event);
  const request = event.request;
  const value = await store.get(KEY);
  const release = picked(value, bucketOf(event));
  delete request.querystring[COOKIE];
  request.uri = '/releases/' + release + (request.uri.includes('.') ? request.uri : '/index.html');
  return request;
}
