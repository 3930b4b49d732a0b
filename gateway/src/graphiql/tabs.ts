const queries = `mutation Register {
  register(input: {
    email: "user@example.com"
    password: "password123"
    firstName: "John"
    lastName: "Doe"
  }) {
    token
    user {
      id
      email
      fullName
    }
  }
}

mutation Login {
  login(input: {
    email: "user@example.com"
    password: "password123"
  }) {
    token
    user {
      id
      email
    }
  }
}

mutation CreateOrder {
  createOrder(input: {
    shippingAddress: "123 Main St, City, Country"
    notes: "Please handle with care"
    items: [
      {
        productId: "prod-1"
        productName: "Laptop"
        quantity: 1
        unitPrice: 999.99
      }
    ]
  }) {
    id
    status
    totalAmount
    items {
      productName
      quantity
      unitPrice
    }
  }
}

query Orders {
  orders(limit: 10) {
    data {
      id
      status
      totalAmount
      user {
        id
        email
        fullName
      }
      payment {
        id
        status
        amount
      }
    }
    pageInfo {
      total
      hasMore
    }
  }
}

mutation ProcessPayment {
  processPayment(id: "paste-the-id-of-a-pending-payment-here") {
    id
    status
    amount
    transactionId
    order {
      id
      status
    }
  }
}

query Me {
  me {
    id
    email
    firstName
    lastName
    orders {
      id
      status
      totalAmount
      items {
        productName
        quantity
      }
    }
  }
}

subscription OrderUpdated {
  orderUpdated(id: "paste-the-id-of-an-order-here") {
    id
    status
    payment {
      id
      status
    }
  }
}`;

/** What GraphiQL shows at first: the way of an order, in the order of its steps. */
export const tabs = queries.split('\n\n').map((query) => ({ query }));
