"use strict";
// Shows the API's documentation from this server alone; nothing is asked of any other.
window.addEventListener("DOMContentLoaded", function () {
  window.SwaggerUIBundle({ url: "/api/openapi.json", dom_id: "#swagger-ui", validatorUrl: null, deepLinking: false });
});
