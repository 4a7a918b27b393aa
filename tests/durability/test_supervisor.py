def test_a_first_start_creates_a_database_and_puts_it_in_the_bucket(container):
    event = container.live()
    assert event["rows"] == 3
    assert event["failure"] is None
    assert container.rows == 4
    assert container.marker.epoch == 1
    assert not container.marker.is_pending
    print(container.log)
    container.lose_volume()
    print(container.live())
    print(container.log)
    print(container.marker)
    assert 0
