export {
  ApiClient,
  sendRequest,
  type ApiAnswer,
  type ApiOrigins,
  type ApiRequest,
  type GraphqlAnswer,
  type GraphqlCall,
  type RestAnswer,
  type RestCall,
} from './api-client.js';
