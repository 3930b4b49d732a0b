export {
  createApiClient,
  type ApiClient,
  type ApiClientOptions,
  type ApiOrigins,
  type ApiReply,
  type OrderComponents,
  type PaymentComponents,
  type UserComponents,
} from './api-client.js';
export {
  sendGraphql,
  sendRequest,
  type ApiAnswer,
  type ApiRequest,
  type GraphqlAnswer,
  type GraphqlRequest,
} from './send-request.js';
